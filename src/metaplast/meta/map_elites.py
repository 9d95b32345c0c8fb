"""Quality and diversity: the best rule of every cost."""

from __future__ import annotations

import math
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


class Archive(NamedTuple):
    """One elite a bin of cost; bins that nobody has reached have an infinite loss."""

    candidates: Float[Array, "bins numbers"]
    loss: Float[Array, " bins"]
    """Mean over all generations in which the elite has lived."""
    cost: Float[Array, " bins"]
    """The same mean."""
    generations: Int[Array, " bins"]
    """In how many that was."""

    @property
    def filled(self) -> Array:
        return jnp.isfinite(self.loss)


class MapElites(AbstractGenerations):
    """An archive over what a rule costs: the best one found in every bin of the axis.

    It needs an objective that is `metered`. A generation is half parents, drawn from the filled
    bins, and half children: each its parent, stirred, and moved along the line to another elite.
    Parents live again, on the same lives as the children, and an elite stands for the mean over all
    of its generations, so luck fades; one whose mean cost comes to lie in another bin moves there.
    A generation in which an elite has no number costs it as much as the worst of that generation.
    Of those who meet in a bin the best one stays, once it is allowed for how much easier the lives
    of children were than those that their generation's parents had known. What is found is the
    elite with the least loss;
    `metaplast archive` shows and exports the others.

    Written here, for the maintained libraries do not fit: pyribs runs on the host, between
    steps that could then neither be compiled together nor resumed to the same bits; QDax brings
    simulators of physics along.

    Args:
        population: candidates per generation, an even number.
        lives: lives per candidate, the same for all.
        spread: standard deviation of the first generation, and of what stirs a child.
        steps: generations of the search.
        axis: the cost, a field of `costs.Costs`: `changes` or `strength`.
        low, high: ends of the axis, decimal logarithms; what lies beyond is in the last bin.
        bins: into which it is divided.
        line: standard deviation of the way to another elite, as a share of the distance.

    References: Mouret & Clune (2015) arXiv:1504.04909; Vassiliades & Mouret (2018)
    doi:10.1145/3205455.3205602 (variation along a line).
    """

    source: ClassVar[Source] = Source(
        "Mouret & Clune", 2015, "Illuminating search spaces by mapping elites",
        "10.48550/arXiv.1504.04909",
    )  # fmt: skip
    population: int = eqx.field(static=True, default=32)
    lives: int = eqx.field(static=True, default=4)
    spread: float = eqx.field(static=True, default=0.1)
    steps: int = eqx.field(static=True, default=200)
    axis: str = eqx.field(static=True, default="changes")
    low: float = eqx.field(static=True, default=-5.0)
    high: float = eqx.field(static=True, default=-1.0)
    bins: int = eqx.field(static=True, default=16)
    line: float = eqx.field(static=True, default=0.2)

    def __check_init__(self) -> None:
        for name in ("lives", "steps", "bins"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 1 or more")
        if self.population < 2 or self.population % 2:
            raise ValueError(f"population = {self.population}: expected an even number; give 32")
        positive_spread(self.spread)
        if not 0 <= self.line < math.inf:
            raise ValueError(f"line = {self.line}: expected 0 or more; give 0.2")
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(
                f"low = {self.low}, high = {self.high}: expected low below high; give -5 and -1"
            )

    @property
    def edges(self) -> list[float]:
        """Ends of all bins, `bins + 1` of them."""
        width = (self.high - self.low) / self.bins
        return [self.low + width * index for index in range(self.bins + 1)]

    def init(self, evaluate, theta, key):
        _, score = jax.eval_shape(lambda theta, key: evaluate(theta, key), theta, key)
        costs = getattr(score, "costs", None)
        if costs is None:
            raise ValueError(
                "type = 'MapElites': the objective does not say what lives cost; "
                "give objective.metered = true"
            )
        if not hasattr(costs, self.axis):
            raise ValueError(f"axis = {self.axis!r}: expected one of {list(costs._fields)}")
        start, _ = ravel_pytree(theta)
        unknown = jnp.full((self.bins,), jnp.inf, start.dtype)
        return Archive(
            jnp.tile(start, (self.bins, 1)), unknown, jnp.zeros_like(unknown),
            jnp.zeros(self.bins, jnp.int32),
        )  # fmt: skip

    def step(self, evaluate, theta, state, key):
        _, unravel = ravel_pytree(theta)
        parents_key, birth_key, lives_key = jax.random.split(key, 3)
        half = self.population // 2
        # While the archive is empty all parents are theta, which stands in every bin.
        likely = jnp.where(state.filled | ~jnp.any(state.filled), 1.0, 0.0)
        drawn = jax.random.choice(parents_key, self.bins, (2, half), p=likely / jnp.sum(likely))
        parents, others = state.candidates[drawn]
        candidates = jnp.concatenate([parents, self._born(parents, others, theta, birth_key)])
        lived = fitness(evaluate, jax.vmap(unravel)(candidates), self.lives, lives_key)
        cost = jnp.mean(getattr(lived.scores.costs, self.axis), axis=1)
        sound = lived.sound & jnp.isfinite(cost)
        lived = lived._replace(sound=sound, lost=jnp.mean(~sound))
        values = jnp.where(sound, lived.values, jnp.inf)
        luck = _luck(values[:half] - state.loss[drawn[0]])
        begun = jnp.any(state.filled)
        worst = jnp.where(jnp.any(sound), jnp.max(jnp.where(sound, values, -jnp.inf)), jnp.inf)
        state = self._again(state, drawn[0], values[:half], cost[:half], worst)
        # Parents have their bins already, but for the first ones.
        entering = jnp.where(begun & (jnp.arange(self.population) < half), jnp.inf, values - luck)
        entered = Archive(
            candidates, entering, jnp.where(sound, cost, self.high),
            jnp.ones(self.population, jnp.int32),
        )  # fmt: skip
        # Elites first, who stay where a newcomer is as good.
        state = self._sorted(jax.tree.map(lambda *parts: jnp.concatenate(parts), state, entered))
        best = jnp.argmin(state.loss)
        theta = jax.tree.map(
            lambda new, old: jnp.where(jnp.any(state.filled), new, old),
            unravel(state.candidates[best]), theta,
        )  # fmt: skip
        return theta, state, lived.report

    def _born(self, parents, others, theta, key):
        stir_key, line_key = jax.random.split(key)
        half = parents.shape[0]
        stirred = cloud(jax.tree.map(jnp.zeros_like, theta), half, self.spread, stir_key)
        noise = jax.vmap(lambda one: ravel_pytree(one)[0])(stirred)
        along = self.line * jax.random.normal(line_key, (half, 1), parents.dtype)
        return parents + noise + along * (others - parents)

    def _again(self, state: Archive, drawn, loss, cost, worst) -> Archive:
        """Elites that have lived once more: their means; a parent drawn twice counts once.

        Args:
            drawn: whose they are, `[parents]`.
            loss: of this generation; infinite where it is no number.
            cost: the same; a parent without a number keeps its mean.
            worst: what stands for a loss that is no number, but at least what its parent had;
                infinite where nobody has one, who then tells nothing.
        """
        sound = jnp.isfinite(loss)
        loss = jnp.where(sound, loss, jnp.maximum(worst, state.loss[drawn]))
        cost = jnp.where(sound, cost, state.cost[drawn])
        known = state.filled[drawn] & jnp.isfinite(loss)
        lived = jnp.zeros(self.bins, bool).at[drawn].max(known)
        count = state.generations + lived
        share = jnp.where(lived, 1 / jnp.maximum(count, 1), 0.0)

        def mean(old, new):
            fresh = jnp.zeros_like(old).at[drawn].set(jnp.where(known, new, 0.0))
            return jnp.where(lived, old + share * (fresh - old), old)

        return state._replace(
            loss=mean(state.loss, loss), cost=mean(state.cost, cost), generations=count
        )

    def _sorted(self, pool: Archive) -> Archive:
        """The best of a pool in every bin of mean cost; bins that nobody is in are empty."""
        width = (self.high - self.low) / self.bins
        place = jnp.clip((pool.cost - self.low) // width, 0, self.bins - 1).astype(jnp.int32)
        here = place[None, :] == jnp.arange(self.bins)[:, None]
        theirs = jnp.where(here, pool.loss[None, :], jnp.inf)
        best = jax.tree.map(lambda leaf: leaf[jnp.argmin(theirs, axis=1)], pool)
        filled = jnp.isfinite(jnp.min(theirs, axis=1))
        return Archive(
            best.candidates,
            jnp.where(filled, best.loss, jnp.inf),
            jnp.where(filled, best.cost, 0.0),
            jnp.where(filled, best.generations, 0),
        )


def _luck(surplus: Float[Array, " parents"]) -> Float[Array, ""]:
    """What parents lose in these lives beyond what they lost before: the mean, where known."""
    known = jnp.isfinite(surplus)
    return jnp.sum(jnp.where(known, surplus, 0.0)) / jnp.maximum(jnp.sum(known), 1)
