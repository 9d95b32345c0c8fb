"""A selection that was itself found by search: attention over ranks decides who breeds, and how."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
from jax.flatten_util import ravel_pytree

from metaplast.meta import brood as broods
from metaplast.meta import selection_weights
from metaplast.meta.abstract import positive_spread
from metaplast.meta.fitness import fitness
from metaplast.meta.generations import AbstractGenerations
from metaplast.meta.selection_network import SelectionNetwork
from metaplast.source import Source


class LearnedSelection(AbstractGenerations):
    """Evolution whose selection was learned: survival, parents and mutation sizes are decided by a
    small attention network that reads ranks, ages and mutation sizes only.

    In every generation four candidates live the same lives and are ranked among themselves; the
    next four live others (a few more, where four do not divide the population). Children mutate at
    right angles to each other, as far as there is room.
    The network, blind to genomes and to losses, says who lives on, what share each has in the next
    children, by how much mutations grow, of all genes and of each, and how far the population
    moves. What is found is the center that children are born around. Candidates are ranked by their
    mean losses, which in any monotone disguise give the same search, bit for bit.

    Networks were trained on searches by backprop through generations (`backprop`) or by
    evolution (`evolution`), both by `metaplast selection`; `untrained` is the
    evolution strategy that training started from.

    Where we deviate from the sources: one network decides on survivors, recombination and step
    sizes together, and corrects a strategy that works without it; losses enter as ranks alone;
    training follows derivatives through softened ranks where theirs is evolution.

    Args:
        population: candidates per generation.
        lives: lives per candidate, the same for four of them.
        spread: standard deviation of the first generation around the start.
        steps: generations.
        weights: a name (`backprop`, `evolution`, `untrained`), or the path of a file.

    References: Lange et al. (2023) arXiv:2211.11260 (learned evolution strategy) and
    arXiv:2304.03995 (learned genetic algorithm); Hansen & Ostermeier (2001)
    doi:10.1162/106365601750190398 (paths); Arnold (2006) doi:10.1016/j.tcs.2006.04.003 (weights);
    Choromanski et al. (2018) arXiv:1804.02395 (right angles).
    """

    source: ClassVar[Source] = Source(
        "Lange, Schaul, Chen, Zahavy, Dalibard, Lu, Singh & Flennerhag", 2023,
        "Discovering evolution strategies via meta-black-box optimization",
        "10.48550/arXiv.2211.11260",
    )  # fmt: skip
    population: int = eqx.field(static=True, default=32)
    lives: int = eqx.field(static=True, default=4)
    spread: float = eqx.field(static=True, default=0.1)
    steps: int = eqx.field(static=True, default=200)
    weights: str = eqx.field(static=True, default="backprop")
    digest: str = eqx.field(static=True, init=False)
    """Of the weights: a search that goes on has to go on with the same ones."""

    def __post_init__(self) -> None:
        for name, least in (("population", 4), ("lives", 1), ("steps", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} = {getattr(self, name)}: expected {least} or more")
        positive_spread(self.spread)
        self.digest = selection_weights.load(self.weights).digest

    @property
    def network(self) -> SelectionNetwork:
        """Who decides."""
        return selection_weights.load(self.weights).network

    def room(self, numbers: int) -> int:
        # Every head attends from every candidate to every other.
        return super().room(numbers) + 4 * self.network.heads * self.population**2

    def init(self, evaluate, theta, key):
        del evaluate
        return broods.first(ravel_pytree(theta)[0], self.population, self.spread, key)

    def step(self, evaluate, theta, state, key):
        _, unravel = ravel_pytree(theta)
        lives_key, birth_key = jax.random.split(key)
        candidates, worlds = jax.vmap(unravel)(state.candidates), broods.worlds(self.population)
        lived = fitness(evaluate, candidates, self.lives, lives_key, worlds)
        state = broods.after(self.network, state, lived.values, self.spread, birth_key)
        return unravel(state.center), state, lived.report
