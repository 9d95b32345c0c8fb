"""metaplast: design biologically plausible learning rules by search, and show what they are worth.

Importing the package loads nothing; its names are loaded when they are first used, so
that the command line answers before JAX is there.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaplast.circuits import Circuit as Circuit
    from metaplast.circuits import associative as associative
    from metaplast.circuits import layered as layered
    from metaplast.experiment import build as build
    from metaplast.lifetime import live as live
    from metaplast.network import Genome as Genome
    from metaplast.network import PlasticNetwork as PlasticNetwork
    from metaplast.objective import Objective as Objective
    from metaplast.spec import Spec as Spec
    from metaplast.store import load as load

__version__ = "0.1.0"

_HOME = {
    "Circuit": "metaplast.circuits",
    "associative": "metaplast.circuits",
    "layered": "metaplast.circuits",
    "build": "metaplast.experiment",
    "live": "metaplast.lifetime",
    "Genome": "metaplast.network",
    "PlasticNetwork": "metaplast.network",
    "Objective": "metaplast.objective",
    "Spec": "metaplast.spec",
    "load": "metaplast.store",
}

__all__ = [
    "Circuit",
    "Genome",
    "Objective",
    "PlasticNetwork",
    "Spec",
    "__version__",
    "associative",
    "build",
    "layered",
    "live",
    "load",
]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'metaplast' has no attribute {name!r}; it has {sorted(_HOME)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
