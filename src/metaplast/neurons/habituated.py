"""What a cell hears and what it does, less what it is used to."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.rate import Rate
from metaplast.positive import Positive, kept, known_step, positive_as
from metaplast.signals import SPIKE
from metaplast.source import Source
from metaplast.types import State

FILTERED = SPIKE
"""Signals to outgoing synapses that are filtered activity: all before `SPIKE`."""


class HabituatedState(NamedTuple):
    fast: Float[Array, ""]
    """Running mean of what arrived at the apical site, over the dendrite's time constant."""
    slow: Float[Array, ""]
    """The same over a long time: what the cell is used to hear."""
    done: Float[Array, " signals"]
    """Mean over a long time of what it offered its outgoing synapses."""
    inner: State


class Habituated(AbstractAround):
    r"""Another cell, which passes on what differs from habit.

    $f \leftarrow \alpha f + (1 - \alpha)\,a$ and $s \leftarrow \beta s + (1 - \beta)\,a$
    with $a$ the apical input, $\alpha = e^{-dt/\tau}$, $\beta = e^{-dt/\tau_s}$; `base` hears
    $f - s$.
    So feedback that cannot be negative, such as spikes over excitatory synapses, tells of errors of
    both signs (`neurons.SpikingOutput`). Of the three filtered activities that it offers its
    outgoing synapses (`metaplast.signals`) it takes their mean over $\tau_s$, so that rules which
    multiply them learn from covariances: rates that are never negative are far from centered, and
    what all stimuli have in common would be most of what is learned.

    All of these means are taken in the reply, so their clock stands still where nobody replies: in
    the pause of `Presented` and while it hears a stimulus for its answer.

    Args:
        base: the cell that fires and replies.
        tau: of the dendrite in ms.
        tau_slow: of the habit in ms.
        dt: length of a moment in ms.

    References: Benda & Herz (2003) doi:10.1162/089976603322385063 (adaptation passes on changes);
    Sejnowski (1977) doi:10.1007/BF00275079 (covariances).
    """

    source: ClassVar[Source] = Source(
        "Benda & Herz", 2003, "A universal model for spike-frequency adaptation",
        "10.1162/089976603322385063",
    )  # fmt: skip
    base: AbstractNeuron = eqx.field(default_factory=Rate)
    tau: Positive = eqx.field(default=5.0, converter=positive_as("tau"))
    tau_slow: Positive = eqx.field(default=200.0, converter=positive_as("tau_slow"))
    dt: float = eqx.field(default=1.0, static=True)

    def __check_init__(self) -> None:
        known_step(self.dt)

    def init(self, position, spacing):
        zero = jnp.zeros(())
        inner = self.base.init(position, spacing)
        return HabituatedState(zero, zero, jnp.zeros(FILTERED), inner)

    def reply(self, state, cell, apical, pool, modulator):
        def mean(before, now, tau):
            return before + (1.0 - kept(tau, self.dt)) * (now - before)

        fast = mean(state.fast, apical, self.tau)
        slow = mean(state.slow, apical, self.tau_slow)
        state, cell = super().reply(state, cell, fast - slow, pool, modulator)
        n = min(FILTERED, cell.pre.shape[0])
        done = state.done.at[:n].set(mean(state.done[:n], cell.pre[:n], self.tau_slow))
        cell = eqx.tree_at(lambda c: c.pre, cell, cell.pre.at[:n].add(-done[:n]))
        return HabituatedState(fast, slow, done, state.inner), cell
