"""How the shipped selections were found: by backprop through generations, and by evolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax

from metaplast.meta import AbstractMetaOptimizer, Backprop, LearnedSelection
from metaplast.meta.selection_network import SelectionNetwork
from metaplast.search import begin, found, search
from metaplast.selection.objective import SelectionObjective


class Recipe(NamedTuple):
    """An objective, and the outer loop that searches it. A selection is searched as a rule is."""

    objective: SelectionObjective
    meta: AbstractMetaOptimizer

    @property
    def steps(self) -> int:
        return self.meta.steps  # pyright: ignore[reportAttributeAccessIssue]


def recipe(by: str, steps: int | None = None) -> Recipe:
    """The recipe of that name.

    Args:
        by: `backprop` (soft ranks, derivatives through all generations, bowls and rules) or
            `evolution` (the untrained strategy searches its own corrections: hard ranks, bowls
            only, no derivative of anything).
        steps: meta-steps, where not the recipe's own.

    Raises:
        ValueError: no such recipe.
    """
    if by == "backprop":
        return Recipe(
            SelectionObjective(softness=0.1),
            Backprop("adam", 0.02, steps or 160, lives=4, clip=1.0),
        )
    if by == "evolution":
        return Recipe(
            SelectionObjective(families=()),
            LearnedSelection(32, 2, 0.1, steps or 100, "untrained"),
        )
    raise ValueError(f"by = {by!r}: expected 'backprop' or 'evolution'")


class Stage(NamedTuple):
    """Where a training stands."""

    network: SelectionNetwork
    step: int
    loss: float
    """Mean of the last meta-steps, by the recipe's own (soft or hard) selection."""


def training(chosen: Recipe, seed: int, patience: float = 5.0) -> Iterator[Stage]:
    """Train a network from the untrained start on, reporting about every `patience` seconds."""
    objective, meta = chosen.objective, chosen.meta
    start = SelectionNetwork(jax.random.key(0))
    position = begin(objective, start, meta, jax.random.key(seed))
    for progress in search(objective, start, meta, position, chosen.steps, patience):
        trained = found(start, progress.position)
        yield Stage(trained, progress.step, float(progress.loss.mean()))
