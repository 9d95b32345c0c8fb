"""Cells that send back what they did, and not how wrong it was."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.output import Output
from metaplast.source import Source


def _linear() -> Output:
    return Output("linear")


class Echo(AbstractNeuron):
    r"""Another cell, whose feedback carries its activity in place of its message.

    What it offers its own synapses stays that of the cell `base`: an `Output` cell learns from its
    error, which only its synapses know, while those who listen to it hear its answer.

    References: Jaeger & Haas (2004) doi:10.1126/science.1091277; Sussillo & Abbott (2009)
    doi:10.1016/j.neuron.2009.07.018 (feedback of the output).
    """

    source: ClassVar[Source] = Source(
        "Jaeger & Haas", 2004,
        "Harnessing nonlinearity: predicting chaotic systems and saving energy in wireless "
        "communication", "10.1126/science.1091277",
    )  # fmt: skip
    base: AbstractNeuron = eqx.field(default_factory=_linear)

    @property
    def noisy(self) -> bool:  # type: ignore[override]
        """As the cell that is echoed."""
        return self.base.noisy

    def init(self, position, spacing):
        return self.base.init(position, spacing)

    def fire(self, state, drive, key):
        return self.base.fire(state, drive, key)

    def inhibit(self, state, cell, pool):
        return self.base.inhibit(state, cell, pool)

    def settle(self, state, cell, lateral):
        return self.base.settle(state, cell, lateral)

    def rebalance(self, state, cell, pool):
        return self.base.rebalance(state, cell, pool)

    def reply(self, state, cell, apical, pool, modulator):
        state, cell = self.base.reply(state, cell, apical, pool, modulator)
        return state, eqx.tree_at(lambda c: c.message, cell, cell.activity)
