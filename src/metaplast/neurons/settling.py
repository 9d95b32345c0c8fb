"""Cells that settle with their neighbors, and hold their mean activity."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.neurons.rate import NONLINEARITIES, known_nonlinearity
from metaplast.positive import Positive, positive, positive_as
from metaplast.source import Source

RESPONSES = {**NONLINEARITIES, "sigmoid": lambda v: jax.nn.sigmoid(10.0 * v)}
"""What a cell makes of its potential; the sigmoid is as steep as Földiák's."""


class SettlingState(NamedTuple):
    threshold: Float[Array, ""]
    potential: Float[Array, ""]
    """At which it settled last."""


class Settling(AbstractNeuron):
    r"""A rate cell that is driven from below and by its neighbors, less a threshold of its own.

    $y \leftarrow y + s\,(\phi(v + l - t) - y)$ at every round of settling, from
    $y = \phi(v - t)$, with $v$ the drive and $l$ what lateral synapses deliver of what the
    neighbors settled at. Then $t \leftarrow t + \gamma\,(y - p)$, so the mean activity becomes
    $p$. Linear cells come to rest at $(1 - L)^{-1}(v - t)$, $L$ the lateral weights.

    The message is the apical input times the slope $\phi'$ at the settled potential.

    Args:
        nonlinearity: $\phi$.
        target: $p$.
        rate: $\gamma$, units of the drive per moment; 0 for a threshold that stays at 0.
        step: $s$, of settling, a share; smaller ones where strong inhibition would make cells
            oscillate.

    References: Földiák (1990) doi:10.1007/BF02331346.
    """

    source: ClassVar[Source] = Source(
        "Földiák", 1990, "Forming sparse representations by local anti-Hebbian learning",
        "10.1007/BF02331346",
    )  # fmt: skip
    nonlinearity: Literal["linear", "tanh", "relu", "softplus", "sigmoid"] = eqx.field(
        default="sigmoid", static=True
    )
    target: Positive = eqx.field(default=0.1, converter=positive_as("target"))
    rate: Positive = eqx.field(default=0.02, converter=positive)
    step: float = eqx.field(default=0.5, static=True)

    def __check_init__(self) -> None:
        known_nonlinearity(self.nonlinearity, RESPONSES)
        if not 0 < self.step <= 1:
            raise ValueError(f"step = {self.step}: expected more than 0 and at most 1; give 0.5")

    def init(self, position, spacing):
        return SettlingState(jnp.zeros(()), jnp.zeros(()))

    def fire(self, state, drive, key):
        potential = drive - state.threshold
        y = RESPONSES[self.nonlinearity](potential)
        cell = eqx.tree_at(lambda c: (c.activity, c.settled), silent(drive), (y, y))
        return state._replace(potential=potential), cell

    def settle(self, state, cell, lateral):
        potential = cell.drive + lateral - state.threshold
        aim = RESPONSES[self.nonlinearity](potential)
        y = cell.settled + self.step * (aim - cell.settled)
        cell = eqx.tree_at(lambda c: (c.activity, c.settled), cell, (y, y))
        return state._replace(potential=potential), cell

    def reply(self, state, cell, apical, pool, modulator):
        message = jax.grad(RESPONSES[self.nonlinearity])(state.potential) * apical
        threshold = state.threshold + self.rate.value * (cell.activity - self.target.value)
        return state._replace(threshold=threshold), eqx.tree_at(
            lambda c: (c.message, c.post, c.pre),
            cell,
            (message, message[None], cell.activity[None]),
        )
