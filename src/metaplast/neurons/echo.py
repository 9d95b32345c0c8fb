"""Cells that send back what they did, and not how wrong it was."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.output import Output
from metaplast.source import Source


def _linear() -> Output:
    return Output("linear")


class Echo(AbstractAround):
    r"""Another cell, whose feedback carries its activity in place of its message.

    What it offers its own synapses stays that of the cell `base`: an `Output` cell learns from its
    error, which only its synapses know, while those who listen to it hear its answer, in the units
    of `base`.

    Args:
        base: the cell whose answer is told.

    References: Jaeger & Haas (2004) doi:10.1126/science.1091277; Sussillo & Abbott (2009)
    doi:10.1016/j.neuron.2009.07.018 (feedback of the output).
    """

    source: ClassVar[Source] = Source(
        "Jaeger & Haas", 2004,
        "Harnessing nonlinearity: predicting chaotic systems and saving energy in wireless "
        "communication", "10.1126/science.1091277",
    )  # fmt: skip
    base: AbstractNeuron = eqx.field(default_factory=_linear)

    def reply(self, state, cell, apical, pool, modulator):
        state, cell = super().reply(state, cell, apical, pool, modulator)
        return state, eqx.tree_at(lambda c: c.message, cell, cell.activity)
