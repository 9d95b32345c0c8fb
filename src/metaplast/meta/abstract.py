"""The contract of an outer loop: it improves any PyTree on any objective.

Nothing in this folder knows about brains; that is why it could search a search.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
from jaxtyping import Array, Float

from metaplast.source import Source
from metaplast.types import Key

Theta = Any
"""What is searched: a PyTree of float arrays."""

Evaluate = Callable[[Theta, Key], tuple[Float[Array, ""], Any]]
"""One sample of the objective: the loss to minimize, and a PyTree of scalars to report."""


JUDGING = 8
"""Numbers by which a candidate or a life is judged: its loss, its rank, its keys, its share."""


@runtime_checkable
class Lives(Protocol):
    """An objective that can also be lived piece by piece: for estimators that hold lives
    half-lived. `whole_lives` makes one of any `Evaluate`."""

    @property
    def horizon(self) -> int:
        """Moments of a whole life."""
        ...

    @property
    def stretches(self) -> list[int]:
        """Moments that `advance` can live at once and of which a whole life is a multiple,
        ascending; the last is the whole life."""
        ...

    @property
    def plain(self) -> Lives:
        """The same lives, of operations that have forward derivatives too."""
        ...

    def __call__(self, theta: Theta, key: Key) -> tuple[Float[Array, ""], Any]:
        """Live one whole life: its mean loss, and what to report."""
        ...

    def begin(self, theta: Theta, key: Key) -> Any:
        """A newborn, and all that is needed to live on: a PyTree of arrays."""
        ...

    def advance(self, theta: Theta, life: Any, moments: int) -> tuple[Float[Array, ""], Any, Any]:
        """Live the next moments: their mean loss, what to report, and the life after them."""
        ...


class Step(NamedTuple):
    """What one meta-step reports; loss and score are means over the lives that survived, and no
    number where none did."""

    loss: Float[Array, ""]
    score: Any
    lost: Float[Array, ""]
    """Fraction of the lives (or candidates) whose loss or gradient was not finite."""


class Dealt(NamedTuple):
    """What a meta-step deals out to the devices."""

    option: str
    """The option that says how many there are."""
    count: int
    """Candidates, lives, or pairs of lives."""
    lives: int = 1
    """Lives of each."""
    at_once: int | None = None
    """Most of them in a chunk, where that is said."""


SPREADS = 1e-15, 1e15
"""Sizes of a perturbation that can be squared in numbers of 32 bits."""


class AbstractMetaOptimizer(eqx.Module):
    """An outer loop over any PyTree. `step` is pure and compiled, many to a dispatch.

    An experiment also asks it for `steps`, how many meta-steps there are: a field, as a rule.
    """

    source: ClassVar[Source]

    @property
    def inner(self) -> AbstractMetaOptimizer:
        """Whoever makes the single step: another one, where this one only uses it."""
        return self

    @property
    def dealt(self) -> Dealt | None:
        """What a meta-step lives; None where nobody says."""
        return None

    def room(self, numbers: int) -> int:
        """Bytes that a meta-step keeps beside its lives: a vector of `numbers` for each of them,
        and a few numbers to judge it by."""
        return 4 * (numbers + JUDGING) * self.dealt.count if self.dealt else 0

    @abc.abstractmethod
    def init(self, evaluate: Evaluate | Lives, theta: Theta, key: Key) -> Any:
        """The outer state before the first step.

        Args:
            evaluate: the objective; `Lives` where lives are held half-lived.
            theta: where the search begins.
            key: of what is drawn once.

        Raises:
            ValueError: the options do not fit the objective.
        """

    @abc.abstractmethod
    def step(
        self, evaluate: Evaluate | Lives, theta: Theta, state: Any, key: Key
    ) -> tuple[Theta, Any, Step]:
        """One meta-step: the better theta, the outer state, the report."""


def positive_spread(spread: float) -> None:
    """Refuse a perturbation of no size, or of one whose square is none in 32 bits.

    Raises:
        ValueError: `spread` is not a positive number, or is too small or too large.
    """
    if not SPREADS[0] <= spread <= SPREADS[1]:
        raise ValueError(
            f"spread = {spread}: expected a finite positive number, from {SPREADS[0]:g} to "
            f"{SPREADS[1]:g}; give 0.03"
        )
