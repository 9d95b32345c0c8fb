"""One row of a comparison, before its free numbers are chosen."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaplast.lifetime import Learner


@dataclasses.dataclass(frozen=True)
class Grid:
    """A geometric grid for one free number.

    Attributes:
        name: of the free number, such as `rate`.
        start: smallest coarse point.
        factor: between coarse points. Around the best one, points at its square root
            are tried as well.
        points: how many coarse points.
    """

    name: str
    start: float
    factor: float
    points: int

    def __post_init__(self) -> None:
        if not (self.start > 0 and math.isfinite(self.start)):
            raise ValueError(f"start = {self.start}: expected a finite positive number")
        if self.factor <= 1:
            raise ValueError(f"factor = {self.factor}: expected more than 1")
        if self.points < 3:
            raise ValueError(f"points = {self.points}: expected 3 or more, else all lie on an edge")

    @property
    def coarse(self) -> tuple[float, ...]:
        return tuple(self.start * self.factor**k for k in range(self.points))


@dataclasses.dataclass(frozen=True)
class Variant:
    """One choice of everything that is not a number, and the grid of what is."""

    settings: Mapping[str, str]
    build: Callable[[float], Learner]
    """Learner with the free number at the given value. Learners of one variant must
    differ in array leaves only, so that all values run under one compilation."""
    grid: Grid | None = None
    """None where there is nothing to tune; `build` then ignores its argument."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A name in the table, and what may be tuned about it."""

    name: str
    variants: tuple[Variant, ...]
    found: bool = False
    """Whether a search found it."""

    @property
    def is_backprop(self) -> bool:
        return is_backprop(self.name)


BACKPROP = ("backprop_sgd", "backprop_momentum", "backprop_adam", "backprop_shortcut")
"""Rows of backprop, of which the best is what all others are compared with."""


def is_backprop(name: str) -> bool:
    """Whether the row of that name is one of backprop's; a found rule may be called anything."""
    return name in BACKPROP


def fixed(name: str, learner: Learner, found: bool = False) -> Candidate:
    """A learner with nothing left to tune."""
    return Candidate(name, (Variant({}, lambda _: learner),), found)
