"""What a cell hears at its apical site, smoothed, and less what it is used to hear."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.rate import Rate
from metaplast.positive import Positive, kept, known_step, positive
from metaplast.source import Source
from metaplast.types import State


class HabituatedState(NamedTuple):
    fast: Float[Array, ""]
    """Running mean of what arrived at the apical site, over the dendrite's time constant."""
    slow: Float[Array, ""]
    """The same over a long time: what the cell is used to."""
    inner: State


class Habituated(AbstractNeuron):
    r"""Another cell, whose apical dendrite passes on what differs from habit.

    $f \leftarrow \alpha f + (1 - \alpha)\,a$ and $s \leftarrow \beta s + (1 - \beta)\,a$ with $a$ the
    apical input, $\alpha = e^{-dt/\tau}$, $\beta = e^{-dt/\tau_s}$; the cell `base` hears $f - s$.
    So feedback that cannot be negative, such as spikes over excitatory synapses, tells of errors of
    both signs (`neurons.SpikingOutput`).

    Args:
        base: the cell that fires and replies.
        tau: of the dendrite in ms.
        tau_slow: of the habit in ms.
        dt: length of a moment in ms.

    References: Benda & Herz (2003) doi:10.1162/089976603322385063 (adaptation passes on changes).
    """

    source: ClassVar[Source] = Source(
        "Benda & Herz", 2003, "A universal model for spike-frequency adaptation",
        "10.1162/089976603322385063",
    )  # fmt: skip
    base: AbstractNeuron = eqx.field(default_factory=Rate)
    tau: Positive = eqx.field(default=5.0, converter=positive)
    tau_slow: Positive = eqx.field(default=200.0, converter=positive)
    dt: float = eqx.field(default=1.0, static=True)

    def __check_init__(self) -> None:
        known_step(self.dt)

    @property
    def noisy(self) -> bool:  # type: ignore[override]
        """As the cell that fires."""
        return self.base.noisy

    def init(self, position, spacing):
        zero = jnp.zeros(())
        return HabituatedState(zero, zero, self.base.init(position, spacing))

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
        def mean(before, tau):
            return before + (1.0 - kept(tau, self.dt)) * (apical - before)

        fast, slow = mean(state.fast, self.tau), mean(state.slow, self.tau_slow)
        inner, cell = self.base.reply(state.inner, cell, fast - slow, pool, modulator)
        return HabituatedState(fast, slow, inner), cell
