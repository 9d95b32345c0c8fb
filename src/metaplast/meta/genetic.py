"""A genetic algorithm: selection by rank, crossover, mutation."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from metaplast.meta.abstract import positive_spread
from metaplast.meta.fitness import cloud, fitness
from metaplast.meta.generations import AbstractGenerations
from metaplast.source import Source

SELECTIONS = ("truncation", "tournament")


class Generation(NamedTuple):
    candidates: Float[Array, "population numbers"]
    step: Int[Array, ""]


class Genetic(AbstractGenerations):
    """Whole candidates that compete, mix and mutate; it reads the ranks of their losses only.

    The best `elites` go on as they are, and live again on new lives. Every other place is taken by
    a child: of one parent, or with probability `crossover` of two, each number from either of
    them; then it mutates. What is found is the best of the last generation.

    Args:
        population: candidates per generation.
        lives: lives per candidate, the same for all.
        spread: standard deviation of the first generation and of a mutation, which shrinks by a
            constant factor to a tenth over `steps`.
        steps: generations until then.
        selection: `truncation` draws parents from the best `parents` of the population,
            `tournament` takes the best of `rivals` candidates drawn at random.
        parents: share of the population that may be parents (truncation).
        rivals: candidates in a tournament.
        crossover: share of the children with two parents.
        elites: candidates that live on unchanged.

    References: Such et al. (2017) arXiv:1712.06567 (truncation); Miller & Goldberg (1995) Complex
    Systems 9 (tournaments under noise); Syswerda (1989) ICGA (uniform crossover).
    """

    source: ClassVar[Source] = Source(
        "Holland", 1975, "Adaptation in natural and artificial systems"
    )
    population: int = eqx.field(static=True, default=32)
    lives: int = eqx.field(static=True, default=4)
    spread: float = eqx.field(static=True, default=0.1)
    steps: int = eqx.field(static=True, default=200)
    selection: str = eqx.field(static=True, default="truncation")
    parents: float = eqx.field(static=True, default=0.25)
    rivals: int = eqx.field(static=True, default=3)
    crossover: float = eqx.field(static=True, default=0.5)
    elites: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        for name in ("population", "lives", "steps", "rivals", "elites"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 1 or more")
        if self.elites > self.population:
            raise ValueError(
                f"elites = {self.elites}: expected at most the population of {self.population}"
            )
        positive_spread(self.spread)
        if self.selection not in SELECTIONS:
            raise ValueError(f"selection = {self.selection!r}: expected one of {SELECTIONS}")
        if not 0 < self.parents <= 1:
            raise ValueError(f"parents = {self.parents}: expected a share above 0, up to 1")
        if not 0 <= self.crossover <= 1:
            raise ValueError(f"crossover = {self.crossover}: expected a share from 0 to 1")

    def init(self, evaluate, theta, key):
        del evaluate
        candidates = jax.vmap(lambda one: ravel_pytree(one)[0])(
            cloud(theta, self.population, self.spread, key)
        )
        return Generation(candidates.at[0].set(ravel_pytree(theta)[0]), jnp.asarray(0, jnp.int32))

    def step(self, evaluate, theta, state, key):
        _, unravel = ravel_pytree(theta)
        lives_key, choice_key, mix_key, mutation_key = jax.random.split(key, 4)
        lived = fitness(evaluate, jax.vmap(unravel)(state.candidates), self.lives, lives_key)
        ranked = state.candidates[jnp.argsort(lived.values)]
        children = self.population - self.elites
        first, second = ranked[self._chosen(children, choice_key)]
        two_key, side_key = jax.random.split(mix_key)
        two = jax.random.bernoulli(two_key, self.crossover, (children, 1))
        side = jax.random.bernoulli(side_key, 0.5, first.shape)
        size = self.spread * 0.1 ** jnp.minimum(1.0, state.step / self.steps)
        mutation = size * jax.random.normal(mutation_key, first.shape, first.dtype)
        born = jnp.where(two & side, second, first) + mutation.astype(first.dtype)
        candidates = jnp.concatenate([ranked[: self.elites], born])
        return unravel(ranked[0]), Generation(candidates, state.step + 1), lived.report

    def _chosen(self, children: int, key) -> Int[Array, "two children"]:
        """Ranks of both parents of every child."""
        if self.selection == "truncation":
            best = max(1, round(self.parents * self.population))
            return jax.random.randint(key, (2, children), 0, best)
        drawn = jax.random.randint(key, (2, children, self.rivals), 0, self.population)
        return jnp.min(drawn, -1)
