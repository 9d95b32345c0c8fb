"""The small attention network that decides who survives, who is a parent, and how far children
mutate.

It is given ranks, ages and mutation sizes, and nothing else: no genome, no fitness value, no
derivative. Corrections are zero at first, so an untrained network *is* the evolution strategy that
`brood` falls back on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.types import Key

TRAITS = 6
"""What is told of a candidate: see `brood.traits`."""
SIGNS = 6
"""What is told of the whole population: see `brood.signs`."""
SELDOM = -3.0
"""Logit of survival without a correction: nobody survives, every life goes to somebody new."""


class Decision(NamedTuple):
    """What is decided of each candidate."""

    parentage: Float[Array, " candidates"]
    """What is added to its normal score; the sum is its share in every child."""
    survival: Float[Array, " candidates"]
    """Logit of living on."""
    vote: Float[Array, " candidates"]
    """What is added to its normal score, where it votes for mutations as large as its own was."""


class Pace(NamedTuple):
    """What is decided of the whole population; every one zero without a correction."""

    stride: Float[Array, ""]
    """Log factor of how far the population moves."""
    drift: Float[Array, ""]
    """Share of the move that follows the moves before."""
    growth: Float[Array, ""]
    """Log factor of mutation sizes."""
    genes: Float[Array, ""]
    """Log factor of how fast genes get mutation sizes of their own."""


class SelectionNetwork(eqx.Module):
    """One layer of self-attention over candidates, and a small network over their mean.

    Permuting candidates permutes verdicts and leaves the pace as it is.

    Args:
        key: of the first weights.
        width: numbers that a candidate is represented by.
        heads: of attention; they divide `width`.

    References: Lange et al. (2023) arXiv:2211.11260 and arXiv:2304.03995, who were the first to
    put attention over ranks there.
    """

    embed: Float[Array, "width traits"]
    asked: Float[Array, "width width"]
    offered: Float[Array, "width width"]
    told: Float[Array, "width width"]
    verdicts: Float[Array, "three width_and_one"]
    hidden: Float[Array, "width inputs"]
    paces: Float[Array, "four width_and_one"]
    heads: int = eqx.field(static=True)

    def __init__(self, key: Key, width: int = 8, heads: int = 2):
        if width % heads:
            raise ValueError(f"heads = {heads}: expected a divisor of width = {width}; give 2")
        keys = jax.random.split(key, 5)

        def weights(key, out, given):
            return jax.random.normal(key, (out, given)) / math.sqrt(given)

        told = TRAITS + SIGNS + 1
        self.embed = weights(keys[0], width, told)
        self.asked, self.offered, self.told = (weights(k, width, width) for k in keys[1:4])
        self.verdicts = jnp.zeros((3, width + 1))
        self.hidden = weights(keys[4], width, width + SIGNS + 1)
        self.paces = jnp.zeros((4, width + 1))
        self.heads = heads

    def __call__(
        self, traits: Float[Array, "candidates traits"], signs: Float[Array, " signs"]
    ) -> tuple[Decision, Float[Array, "candidates width"]]:
        """What is decided of every candidate, and how it is represented."""
        given = jnp.concatenate([traits, jnp.broadcast_to(signs, (len(traits), SIGNS))], 1)
        cells = jnp.tanh(_with_one(given) @ self.embed.T)
        cells = cells + self._attended(cells)
        parentage, survival, vote = self.verdicts @ _with_one(jnp.tanh(cells)).T
        return Decision(parentage, SELDOM + survival, vote), cells

    def pace(self, cells: Float[Array, "candidates width"], signs: Float[Array, " signs"]) -> Pace:
        """What is decided of the population, from all candidates alike."""
        given = jnp.concatenate([jnp.mean(cells, 0), signs])
        return Pace(*(self.paces @ _with_one(jnp.tanh(self.hidden @ _with_one(given)))))

    def _attended(self, cells):
        def split(weights):
            return (cells @ weights.T).reshape(len(cells), self.heads, -1)

        asked, offered, told = split(self.asked), split(self.offered), split(self.told)
        match = jnp.einsum("ihd,jhd->hij", asked, offered) / math.sqrt(asked.shape[-1])
        heard = jnp.einsum("hij,jhd->ihd", jax.nn.softmax(match, -1), told)
        return heard.reshape(cells.shape)


def _with_one(given):
    """For a bias: a one beside the last axis."""
    return jnp.concatenate([given, jnp.ones((*given.shape[:-1], 1))], -1)
