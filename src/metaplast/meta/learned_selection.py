"""A selection that was itself searched: attention over ranks decides who survives and breeds."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
from jax.flatten_util import ravel_pytree
import jax

from metaplast.meta import brood as broods
from metaplast.meta.abstract import AbstractMetaOptimizer
from metaplast.meta.fitness import fitness
from metaplast.meta.selection_network import SelectionNetwork
from metaplast.source import OWN, Source


class LearnedSelection(AbstractMetaOptimizer):
    source: ClassVar[Source] = OWN
    population: int = eqx.field(static=True, default=32)
    lives: int = eqx.field(static=True, default=4)
    spread: float = eqx.field(static=True, default=0.1)
    steps: int = eqx.field(static=True, default=200)
    weights: str = eqx.field(static=True, default="untrained")

    @property
    def network(self) -> SelectionNetwork:
        return SelectionNetwork(jax.random.key(0))

    def init(self, evaluate, theta, key):
        del evaluate
        return broods.first(ravel_pytree(theta)[0], self.population, self.spread, key)

    def step(self, evaluate, theta, state, key):
        _, unravel = ravel_pytree(theta)
        lives_key, birth_key = jax.random.split(key)
        lived = fitness(evaluate, jax.vmap(unravel)(state.candidates), self.lives, lives_key)
        state = broods.after(self.network, state, lived.values, self.spread, birth_key)
        return unravel(state.center), state, lived.report
