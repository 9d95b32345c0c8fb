"""Learners for comparison. `NAMES` and `build` are the registry; importing it loads no JAX."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from metaplast.learners.candidate import Candidate, Grid, Variant, fixed
from metaplast.learners.registry import NAMES, build

if TYPE_CHECKING:
    from metaplast.learners.backprop import Backprop as Backprop
    from metaplast.learners.frozen import Frozen as Frozen
    from metaplast.learners.nearest_class_mean import NearestClassMean as NearestClassMean
    from metaplast.learners.nearest_neighbor import NearestNeighbor as NearestNeighbor
    from metaplast.learners.recursive_least_squares import (
        RecursiveLeastSquares as RecursiveLeastSquares,
    )
    from metaplast.learners.standardized import Standardized as Standardized

_HOME = {
    "Backprop": "backprop",
    "Frozen": "frozen",
    "NearestClassMean": "nearest_class_mean",
    "NearestNeighbor": "nearest_neighbor",
    "RecursiveLeastSquares": "recursive_least_squares",
    "Standardized": "standardized",
}

__all__ = [
    "NAMES",
    "Backprop",
    "Candidate",
    "Frozen",
    "Grid",
    "NearestClassMean",
    "NearestNeighbor",
    "RecursiveLeastSquares",
    "Standardized",
    "Variant",
    "build",
    "fixed",
]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {__all__}")
