"""What each primitive does to provenance: one table, one file per family.

A rule is given the equation, its operands and the running interpretation, and returns the sets of
its results. It must not change its operands. A primitive that is in no table is taken to mix
everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metaplast.audit.provenance.rules import (
    contraction,
    control,
    elementwise,
    indexing,
    linalg,
    pooling,
    random,
    reduction,
    slicing,
    structural,
)

RULES: dict[str, Callable[..., Any]] = {
    **elementwise.RULES,
    **structural.RULES,
    **slicing.RULES,
    **indexing.RULES,
    **contraction.RULES,
    **pooling.RULES,
    **reduction.RULES,
    **random.RULES,
    **linalg.RULES,
    **control.RULES,
}
"""Rules by the primitive's name."""

INCONSTANT = frozenset({"platform_index", "rng_uniform", "empty2", "create_token"})
"""Primitives whose results differ between runs, or between machines, on the same operands."""

CONTROL = frozenset(control.RULES)
"""Primitives with nested programs."""
