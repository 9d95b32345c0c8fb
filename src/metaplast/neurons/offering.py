"""A cell that offers its outgoing synapses its activity, and what another cell would offer."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.rate import Rate
from metaplast.positive import Positive, positive_as
from metaplast.source import OWN, Source


class Offering(AbstractAround):
    r"""Another cell, that offers $a\,y + b\,o$ in place of the $o$ that `base` offers.

    $y$ is its activity. Around `Decorrelated`, a synapse that multiplies it with an error takes
    a step of gradient descent at the rate $a$ and a share $b$ of that of least squares: the
    latter is fast and becomes small as the cell grows old, the former stays.

    The cell decides for all synapses onto which it projects, so those that are to change alike do
    (`circuits.twinned`), whatever a search makes of $a$ and $b$.

    Args:
        base: the cell that fires and replies.
        plain: $a$, without units, as a rate.
        own: $b$, the same; at most 1 around `Decorrelated`, or errors of the newborn grow.
    """

    source: ClassVar[Source] = OWN
    base: AbstractNeuron = eqx.field(default_factory=Rate)
    plain: Positive = eqx.field(default=0.01, converter=positive_as("plain"))
    own: Positive = eqx.field(default=0.0, converter=positive_as("own"))

    def reply(self, state, cell, apical, pool, modulator):
        said = cell.activity
        state, cell = super().reply(state, cell, apical, pool, modulator)
        offered = self.plain.value * said + self.own.value * cell.pre[0]
        return state, eqx.tree_at(lambda c: c.pre, cell, offered[None])
