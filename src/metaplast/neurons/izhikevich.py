"""The two-variable cell that spikes like most cortical cells do."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.lif import Surrogate, known_spiking, replied, spiking
from metaplast.neurons.surrogate import slope, spike
from metaplast.positive import Positive, positive_as
from metaplast.source import Source

PEAK = 30.0
"""Where a spike ends, in mV."""
LOWEST = -100.0
"""Where inhibition stops to pull the membrane, in mV, about what potassium alone would hold it at.
From below some -125 mV an explicit step climbs the other branch of the parabola past threshold."""
REST = -65.0
"""The membrane of a newborn cell in mV, as in the paper."""


class IzhikevichState(NamedTuple):
    membrane: Float[Array, ""]
    """In mV, after the reset."""
    recovery: Float[Array, ""]
    steep: Float[Array, ""]


class Izhikevich(AbstractNeuron):
    r"""A membrane with a quadratic rise and a recovery; four numbers choose among cortical cells.

    $\dot v = 0.04 v^2 + 5 v + 140 - u + I$ and $\dot u = a (b v - u)$, per ms; at $v \ge 30$ mV the
    cell spikes, $v \leftarrow c$ and $u \leftarrow u + d$. A moment is a step of `dt`, of two half
    steps for $v$ as in the paper; $I$ = `gain` times the drive.

    | cell | a | b | c | d |
    |---|---|---|---|---|
    | regular spiking | 0.02 | 0.2 | -65 | 8 |
    | intrinsically bursting | 0.02 | 0.2 | -55 | 4 |
    | chattering | 0.02 | 0.2 | -50 | 2 |
    | fast spiking | 0.1 | 0.2 | -65 | 2 |
    | low-threshold spiking | 0.02 | 0.25 | -65 | 2 |

    The spike is 0 or 1; a derivative sees the surrogate of the distance to the peak, in units
    of `scale`, and none through the choice to reset. Lateral synapses jump the membrane
    after the spike, so they count from the next moment on.

    Where we deviate from the paper: the reset comes at the end of the step of the spike, not at the
    beginning of the next one; the membrane stops at 30 mV, where the paper's program lets it
    overshoot by up to a volt before the recovery reads it; and it stops at -100 mV, below which
    the parabola rises again, and steps of this size made a spike of a strong inhibition.

    Args:
        a: rate of recovery, per ms.
        b: sensitivity of the recovery to the membrane.
        c: membrane after a spike in mV.
        d: what a spike adds to the recovery.
        gain: current per unit of drive.
        dt: length of a moment in ms; 1 in the paper, and no longer.
        surrogate: the slope that derivatives see, `neurons.surrogate`.
        width: of that slope in units of `scale`.
        scale: mV in a unit of the slope.

    References: Izhikevich (2003) doi:10.1109/TNN.2003.820440.
    """

    source: ClassVar[Source] = Source(
        "Izhikevich", 2003, "Simple model of spiking neurons", "10.1109/TNN.2003.820440"
    )
    a: Positive = eqx.field(default=0.02, converter=positive_as("a"))
    b: Positive = eqx.field(default=0.2, converter=positive_as("b"))
    c: Float[Array, ""] = eqx.field(default=-65.0, converter=lambda v: jnp.asarray(v, float))
    d: Float[Array, ""] = eqx.field(default=8.0, converter=lambda v: jnp.asarray(v, float))
    gain: Positive = eqx.field(default=10.0, converter=positive_as("gain"))
    dt: float = eqx.field(default=1.0, static=True)
    surrogate: Surrogate = eqx.field(default="fast_sigmoid", static=True)
    width: float = eqx.field(default=0.5, static=True)
    scale: float = eqx.field(default=30.0, static=True)

    def __check_init__(self) -> None:
        known_spiking(self.dt, 0.0, self.surrogate, self.width)
        if self.dt > 1.0:
            raise ValueError(f"dt = {self.dt}: expected 1 ms or less, for longer steps explode")
        if not self.scale > 0:
            raise ValueError(f"scale = {self.scale}: expected a positive number of mV; give 30.0")

    def init(self, position, spacing):
        rest = jnp.asarray(REST)
        return IzhikevichState(rest, self.b.value * rest, jnp.zeros(()))

    def fire(self, state, drive, key):
        current = self.gain.value * drive - state.recovery
        v = self._half(self._half(state.membrane, current, PEAK), current, jnp.inf)
        distance = (v - PEAK) / self.scale
        z = spike(distance, self.surrogate, self.width)
        steep = slope(distance, self.surrogate, self.width)
        v = jnp.minimum(v, PEAK)
        u = state.recovery + self.dt * self.a.value * (self.b.value * v - state.recovery)
        fired = jax.lax.stop_gradient(z)
        v, u = v + fired * (self.c - v), u + fired * self.d
        return IzhikevichState(v, u, steep), spiking(drive, z)

    def _half(self, v, current, highest):
        """The membrane after half a step."""
        rise = 0.04 * v**2 + 5.0 * v + 140.0 + current
        return jnp.clip(v + 0.5 * self.dt * rise, LOWEST, highest)

    def settle(self, state, cell, lateral):
        membrane = jnp.maximum(state.membrane + self.gain.value * lateral, LOWEST)
        return state._replace(membrane=membrane), cell

    def reply(self, state, cell, apical, pool, modulator):
        return state, replied(cell, state.steep, apical)
