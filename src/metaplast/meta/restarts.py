"""Several searches side by side, as one program."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metaplast.meta.abstract import AbstractMetaOptimizer, Dealt, Step, positive_spread
from metaplast.meta.fitness import cloud
from metaplast.source import Source

KEPT = 0.9
"""How much of the mean loss of a search a meta-step leaves as it was."""


class Side(NamedTuple):
    """All searches, leaves `[count, ...]`."""

    thetas: Any
    states: Any
    losses: Float[Array, " count"]
    """Running means."""
    step: Int[Array, ""]


def ranked(
    losses: Float[Array, " count"], heard: Float[Array, " count"], step: Int[Array, ""]
) -> tuple[Float[Array, " count"], Int[Array, ""]]:
    """The running means after a meta-step, and whose is the lowest.

    A search whose lives were all lost has no loss to tell. Its mean stays what it was, for one bad
    draw must not shut it out for good; but it is not the best as long as another one can be.
    """
    sound = jnp.isfinite(heard)
    known = (step > 0) & jnp.isfinite(losses)
    mixed = jnp.where(known, KEPT * losses + (1 - KEPT) * heard, heard)
    kept = jnp.where(known, losses, jnp.inf)
    losses = jnp.where(sound, mixed, kept)
    candidates = jnp.where(sound | ~jnp.any(sound), losses, jnp.inf)
    return losses, jnp.argmin(candidates)


class Restarts(AbstractMetaOptimizer):
    """`count` searches by the same meta-optimizer from different starts, of which the best counts.

    The first begins where it would alone, the others around it. They share no lives. What is found
    is where the search stands whose loss, as a running mean, is lowest.

    Args:
        of: the meta-optimizer of each.
        count: searches.
        spread: standard deviation of their starts.

    References: Martí (2003) doi:10.1007/0-306-48056-5_12 (multi-start methods).
    """

    source: ClassVar[Source] = Source(
        "Martí", 2003, "Multi-start methods", "10.1007/0-306-48056-5_12"
    )
    of: AbstractMetaOptimizer
    count: int = eqx.field(static=True, default=4)
    spread: float = eqx.field(static=True, default=0.1)

    def __check_init__(self) -> None:
        if not isinstance(self.of, AbstractMetaOptimizer):
            raise ValueError(
                f"of = {self.of!r}: expected a meta-optimizer; give a table such as "
                '{type = "Backprop"}'
            )
        if self.count < 1:
            raise ValueError(f"count = {self.count}: expected 1 or more searches")
        positive_spread(self.spread)

    @property
    def steps(self) -> int:
        """Meta-steps of each."""
        return self.of.steps  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def inner(self) -> AbstractMetaOptimizer:
        return self.of.inner

    @property
    def dealt(self) -> Dealt | None:
        return self.of.dealt

    def room(self, numbers: int) -> int:
        return self.count * self.of.room(numbers)

    def init(self, evaluate, theta, key):
        start_key, init_key = jax.random.split(key)
        around = cloud(theta, self.count, self.spread, start_key)
        thetas = jax.tree.map(lambda many, one: many.at[0].set(one), around, theta)
        keys = jax.random.split(init_key, self.count)
        states = jax.vmap(lambda theta, key: self.of.init(evaluate, theta, key))(thetas, keys)
        return Side(thetas, states, jnp.zeros(self.count), jnp.asarray(0, jnp.int32))

    def step(self, evaluate, theta, state, key):
        del theta
        keys = jax.random.split(key, self.count)
        thetas, states, told = jax.vmap(
            lambda theta, state, key: self.of.step(evaluate, theta, state, key)
        )(state.thetas, state.states, keys)
        losses, best = ranked(state.losses, told.loss, state.step)
        theta, loss, score = jax.tree.map(lambda leaf: leaf[best], (thetas, told.loss, told.score))
        lost = jnp.mean(told.lost)
        return theta, Side(thetas, states, losses, state.step + 1), Step(loss, score, lost)
