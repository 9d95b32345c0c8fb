"""Cells that share one unit of activity: a soft winner-take-all."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.positive import Positive, positive_as
from metaplast.source import Source


class CompetingState(NamedTuple):
    share: Float[Array, ""]
    """1 / population size, fixed at birth: it turns the interneuron's mean into a sum."""


class Competing(AbstractNeuron):
    r"""A cell whose activity is its share of all excitation: the more driven, the larger.

    $y_i = e^{\beta v_i} / \sum_j e^{\beta v_j}$, the sum computed by the population's interneuron.
    With `SoftHebb` at its incoming synapses the population clusters its stimuli. The message is
    the apical input times the slope of the own excitation, $\beta y_i (1 - y_i)$. Exponents
    $\beta v$ are clipped to ±40: cells beyond it share alike.

    Args:
        sharpness: $\beta$, per unit of drive; at large ones the winner takes all.

    References: Moraitis, Toichkin, Journé, Chua & Guo (2022) doi:10.1088/2634-4386/aca710; Maass
    (2000) doi:10.1162/089976600300014827 (what such a competition can compute).
    """

    source: ClassVar[Source] = Source(
        "Moraitis, Toichkin, Journé, Chua & Guo", 2022,
        "SoftHebb: Bayesian inference in unsupervised Hebbian soft winner-take-all networks",
        "10.1088/2634-4386/aca710",
    )  # fmt: skip
    sharpness: Positive = eqx.field(default=4.0, converter=positive_as("sharpness"))

    def init(self, position, spacing):
        return CompetingState(spacing)

    def fire(self, state, drive, key):
        excited = jnp.exp(jnp.clip(self.sharpness.value * drive, -40.0, 40.0))
        cell = silent(drive)
        pooled = cell.pooled.at[0].set(excited)
        return state, eqx.tree_at(lambda c: (c.activity, c.pooled), cell, (excited, pooled))

    def inhibit(self, state, cell, pool):
        y = cell.activity * state.share / pool[0]
        return state, eqx.tree_at(lambda c: (c.activity, c.settled), cell, (y, y))

    def reply(self, state, cell, apical, pool, modulator):
        y = cell.activity
        message = self.sharpness.value * y * (1.0 - y) * apical
        return state, eqx.tree_at(
            lambda c: (c.message, c.post, c.pre), cell, (message, message[None], y[None])
        )
