"""Which program changes the weights of fast plastic layers: XLA's, or a kernel of our own."""

from __future__ import annotations

import os
from collections.abc import Mapping

SWITCH = "METAPLAST_KERNEL"
"""Environment variable: `plain`, as by default, or `pallas`. It is read when a life is traced, so
it has to be set before a process traces anything."""
PLAIN, PALLAS = "plain", "pallas"


def wanted(environment: Mapping[str, str] = os.environ) -> str:
    """`plain` or `pallas`, by the environment alone.

    With `pallas`, the change of a moment is made when its weights next deliver (`deferred`), on a
    GPU by one kernel (`one_pass`). Elsewhere the same is computed by the plain version.

    Raises:
        ValueError: the variable says something else.
    """
    chosen = environment.get(SWITCH, "").strip().lower() or PLAIN
    if chosen not in (PLAIN, PALLAS):
        raise ValueError(f"{SWITCH} = {environment[SWITCH]!r}: expected {PLAIN} or {PALLAS}")
    return chosen
