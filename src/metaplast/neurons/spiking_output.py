"""Output cells that send their error back in spikes."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.neurons.surrogate import spike
from metaplast.positive import Positive, positive
from metaplast.source import Source

PACE = 0.5
"""Spikes a moment of a cell without an error."""


class SpikingOutputState(NamedTuple):
    excitability: Float[Array, ""]
    owed: Float[Array, ""]
    """Spikes that the error so far asks for, less those that were sent."""


class SpikingOutput(AbstractNeuron):
    r"""A cell that knows its error *wanted − given*, and tells others by a spike or none.

    $y_i = \sigma(v_i)$ with $v$ the drive and an excitability (a bias), which follows the error at
    `rate`; $e_i = \mathrm{wanted}_i - y_i$ stays within the cell and at its own synapses. It sends
    back regular spikes at the pace of $(1 + e_i) / 2$ a moment: more than every second moment where
    it should do more, fewer where it should do less. So nothing negative and nothing graded is
    sent, and who hears the cell finds the error in what differs from habit
    (`neurons.Habituated`). A spike tells of the moments before it: nobody waits for it.

    Cells do not compete, so no interneuron has to sum over them, as that of a softmax does.

    Args:
        rate: of the excitability.
        width: of the surrogate slope of the spike, in spikes owed.

    References: Schultz, Dayan & Montague (1997) doi:10.1126/science.275.5306.1593 (errors of both
    signs as deviations from a pace); Yoon (2017) doi:10.1109/TNNLS.2016.2526029 (regular spikes as
    sigma-delta code).
    """

    source: ClassVar[Source] = Source(
        "Schultz, Dayan & Montague", 1997, "A neural substrate of prediction and reward",
        "10.1126/science.275.5306.1593",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.0, converter=positive)
    width: float = eqx.field(default=0.5, static=True)

    def init(self, position, spacing):
        # As active as one of as many is; and cells without an error do not all spike at once.
        return SpikingOutputState(-jnp.log(jnp.maximum(1.0 / spacing - 1.0, 1e-3)), position)

    def fire(self, state, drive, key):
        drive = drive + state.excitability
        cell = silent(drive)
        return state, eqx.tree_at(lambda c: c.activity, cell, jax.nn.sigmoid(drive))

    def reply(self, state, cell, apical, pool, modulator):
        error = apical - cell.activity
        message = spike(state.owed - 1.0, "fast_sigmoid", self.width)
        owed = state.owed - jax.lax.stop_gradient(message) + PACE * (1.0 + error)
        cell = eqx.tree_at(
            lambda c: (c.message, c.post, c.pre), cell, (message, error[None], cell.activity[None])
        )
        return SpikingOutputState(state.excitability + self.rate.value * error, owed), cell
