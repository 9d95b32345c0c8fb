"""The contract of a neuron that is another one, changed in some phase of a moment."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.types import State


class Inner(NamedTuple):
    """State of a cell that adds nothing to the state of the one inside."""

    inner: State


class AbstractAround(AbstractNeuron):
    """A cell with another one inside, `base`, to which every phase is handed through.

    What a final class changes it does in the phases that it overrides, before or after
    `super()`. Its state is a named tuple with a field `inner`, that of the cell inside.
    """

    base: eqx.AbstractVar[AbstractNeuron]

    @property
    def noisy(self) -> bool:  # type: ignore[override]
        """As the cell inside."""
        return self.base.noisy

    def init(self, position, spacing):
        return Inner(self.base.init(position, spacing))

    def fire(self, state, drive, key):
        inner, cell = self.base.fire(state.inner, drive, key)
        return state._replace(inner=inner), cell

    def inhibit(self, state, cell, pool):
        inner, cell = self.base.inhibit(state.inner, cell, pool)
        return state._replace(inner=inner), cell

    def settle(self, state, cell, lateral):
        inner, cell = self.base.settle(state.inner, cell, lateral)
        return state._replace(inner=inner), cell

    def rebalance(self, state, cell, pool):
        inner, cell = self.base.rebalance(state.inner, cell, pool)
        return state._replace(inner=inner), cell

    def reply(self, state, cell, apical, pool, modulator):
        inner, cell = self.base.reply(state.inner, cell, apical, pool, modulator)
        return state._replace(inner=inner), cell
