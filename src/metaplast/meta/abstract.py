"""The contract of an outer loop: it improves any PyTree on any objective.

Nothing in this folder knows about brains; that is why it could search a search.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float

from metaplast.source import Source
from metaplast.types import Key

Theta = Any
"""What is searched: a PyTree of float arrays."""

Evaluate = Callable[[Theta, Key], tuple[Float[Array, ""], Any]]
"""One sample of the objective: the loss to minimize, and a PyTree of scalars to report."""


class Step(NamedTuple):
    """What one meta-step reports; every field is a mean over the lives that survived."""

    loss: Float[Array, ""]
    score: Any
    lost: Float[Array, ""]
    """Fraction of the lives (or candidates) whose loss or gradient was not finite."""


class AbstractMetaOptimizer(eqx.Module):
    """An outer loop over any PyTree. `step` is pure and compiled, many to a dispatch."""

    source: ClassVar[Source]

    @abc.abstractmethod
    def init(self, theta: Theta, key: Key) -> Any:
        """The outer state before the first step."""

    @abc.abstractmethod
    def step(
        self, evaluate: Evaluate, theta: Theta, state: Any, key: Key
    ) -> tuple[Theta, Any, Step]:
        """One meta-step: the better theta, the outer state, the report."""
