"""A cell that hears a guess at its own drive, and tells its synapses what the guess lacks."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.rate import Rate
from metaplast.positive import Positive, positive_as
from metaplast.source import Source
from metaplast.types import State


class TwinnedState(NamedTuple):
    inner: State
    lacking: Float[Array, ""]
    """What the guess at the drive lacked at the last moment."""


class Twinned(AbstractAround):
    r"""Another cell, with two signals for its synapses: what `base` tells, and what twins need.

    At its lateral site arrives a guess at its drive, in the units of the drive, over twin synapses
    (`circuits.twinned`); `base` hears nothing there. With $e$ the first signal that `base` offers
    its incoming synapses, $v$ the drive and $g$ the guess, it offers $(e,\; e + \kappa\,(v - g))$:
    the first to the synapses that drive it, the second to their twins and to the way back. So a
    twin takes part in what the way forth learns, and makes up for what that was born with.

    Args:
        base: the cell that fires and replies.
        copying: $\kappa$; times what is offered below ($b$ of `Offering`) it must stay below 2, or
            the guess overshoots further and further.

    References: Kolen & Pollack (1994) doi:10.1109/ICNN.1994.374486, for synapses forth and back
    that change alike; the guess is ours.
    """

    source: ClassVar[Source] = Source(
        "Kolen & Pollack", 1994, "Backpropagation without weight transport",
        "10.1109/ICNN.1994.374486",
    )  # fmt: skip
    base: AbstractNeuron = eqx.field(default_factory=Rate)
    copying: Positive = eqx.field(default=1.0, converter=positive_as("copying"))

    def init(self, position, spacing):
        return TwinnedState(self.base.init(position, spacing), jnp.zeros(()))

    def settle(self, state, cell, lateral):
        state, settled = super().settle(state, cell, jnp.zeros_like(lateral))
        return state._replace(lacking=cell.drive - lateral), settled

    def reply(self, state, cell, apical, pool, modulator):
        lacking = self.copying.value * state.lacking
        state, cell = super().reply(state, cell, apical, pool, modulator)
        told = jnp.stack([cell.post[0], cell.post[0] + lacking])
        return state, eqx.tree_at(lambda c: c.post, cell, told)
