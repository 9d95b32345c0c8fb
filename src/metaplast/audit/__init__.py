"""The audit: which biological constraints a learner respects, and on what evidence.

Importing this package loads nothing; its names are loaded when they are first used, so that the
command line answers before JAX is there. `resolve.resolve` finds a learner by what a user types.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaplast.audit.certificate import Certificate as Certificate
    from metaplast.audit.certificate import audit as audit
    from metaplast.audit.demands import demand as demand
    from metaplast.audit.networks import from_network as from_network
    from metaplast.audit.subject import Subject as Subject
    from metaplast.audit.subject import from_function as from_function
    from metaplast.audit.tracing import Untraceable as Untraceable
    from metaplast.audit.verdict import Grade as Grade
    from metaplast.audit.verdict import Status as Status
    from metaplast.audit.verdict import Verdict as Verdict

_HOME = {
    "Certificate": "certificate",
    "Grade": "verdict",
    "Status": "verdict",
    "Subject": "subject",
    "Untraceable": "tracing",
    "Verdict": "verdict",
    "audit": "certificate",
    "demand": "demands",
    "from_function": "subject",
    "from_network": "networks",
}

__all__ = [
    "Certificate",
    "Grade",
    "Status",
    "Subject",
    "Untraceable",
    "Verdict",
    "audit",
    "demand",
    "from_function",
    "from_network",
]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(importlib.import_module(f"metaplast.audit.{_HOME[name]}"), name)
    raise AttributeError(f"module 'metaplast.audit' has no attribute {name!r}; it has {__all__}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
