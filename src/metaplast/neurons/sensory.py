"""Sensory cells: adaptation and divisive normalization before anything is learned."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.positive import Positive, positive_as
from metaplast.source import Source


class Adaptation(NamedTuple):
    """A cell's memory of its own mean: a leaky sum of what came, over a leaky count."""

    total: Float[Array, ""]
    count: Float[Array, ""]

    @property
    def mean(self) -> Float[Array, ""]:
        return self.total / (self.count + 1e-3)

    def seen(self, value: Float[Array, ""], leak: Float[Array, ""]) -> Adaptation:
        return Adaptation((1 - leak) * self.total + value, (1 - leak) * self.count + 1)


def rested() -> Adaptation:
    return Adaptation(jnp.zeros(()), jnp.zeros(()))


class Sensory(AbstractNeuron):
    r"""A cell that adapts to its mean and is divided by the activity of its population.

    A cell that reports how far its input is from what it is used to, divided by how
    active its population is:
    $y_i = (v_i - \bar v_i) / \sqrt{\tfrac1n \sum_j (v_j - \bar v_j)^2 + \epsilon}$.

    The mean $\bar v_i$ is the cell's own, a leaky average with the leak `leak` per
    moment; the sum of squares comes over the wire of the population's interneuron. What it says
    has no units.

    Args:
        leak: of the running mean, per moment.
        floor: $\epsilon$, in squared units of the stimulus.

    References: Carandini & Heeger (2012) doi:10.1038/nrn3136.
    """

    source: ClassVar[Source] = Source(
        "Carandini & Heeger", 2012, "Normalization as a canonical neural computation",
        "10.1038/nrn3136",
    )  # fmt: skip
    leak: Positive = eqx.field(default=1e-3, converter=positive_as("leak"))
    floor: Positive = eqx.field(default=1e-4, converter=positive_as("floor"))

    def init(self, position, spacing):
        return rested()

    def fire(self, state, drive, key):
        cell = silent(drive)
        surplus = drive - state.mean
        pooled = cell.pooled.at[0].set(surplus**2)
        cell = eqx.tree_at(lambda c: (c.activity, c.pooled), cell, (surplus, pooled))
        return state.seen(drive, self.leak.value), cell

    def inhibit(self, state, cell, pool):
        rate = cell.activity * jax.lax.rsqrt(pool[0] + self.floor.value)
        return state, eqx.tree_at(lambda c: (c.activity, c.settled), cell, (rate, rate))

    def reply(self, state, cell, apical, pool, modulator):
        return state, eqx.tree_at(lambda c: c.pre, cell, jnp.stack([cell.activity, cell.activity]))
