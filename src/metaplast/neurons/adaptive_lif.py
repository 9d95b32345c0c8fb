"""The integrate-and-fire cell whose threshold rises with every spike."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.lif import Surrogate, known_spiking, replied, spiking, waiting, waking
from metaplast.neurons.surrogate import slope, spike
from metaplast.positive import Positive, kept, positive_as
from metaplast.source import Source


class AdaptiveLIFState(NamedTuple):
    membrane: Float[Array, ""]
    """In units of the threshold at rest, after the reset."""
    adaptation: Float[Array, ""]
    """A slow trace of the cell's own spikes."""
    steep: Float[Array, ""]
    wait: Float[Array, ""]


class AdaptiveLIF(AbstractNeuron):
    r"""A leaky cell that grows tired: each spike raises its threshold for a long time.

    $v \leftarrow \alpha\, v + \mathrm{drive}$, $z = [v \ge 1 + \beta a]$, $v \leftarrow v - z$,
    $a \leftarrow \rho\, a + z$, with $\alpha = e^{-dt/\tau}$ and $\rho = e^{-dt/\tau_a}$. At
    $\beta = 0$ this is `LIF`, whose units and timing it shares. The slope is that of the distance
    $v - 1 - \beta a$; a derivative passes through $a$, as adaptive e-prop needs it.

    Where we deviate from Bellec et al.: the reset decays with the membrane, from this moment on.

    Args:
        tau: time constant of the membrane in ms.
        tau_adaptation: $\tau_a$ in ms.
        strength: $\beta$, in units of the threshold.
        refractory: in ms, after a spike.
        dt: length of a moment in ms.
        surrogate: the slope that derivatives see, `neurons.surrogate`.
        width: of that slope in thresholds.

    References: Bellec et al. (2018) NeurIPS, arXiv:1803.09574; Bellec et al. (2020)
    doi:10.1038/s41467-020-17236-y.
    """

    source: ClassVar[Source] = Source(
        "Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass", 2020,
        "A solution to the learning dilemma for recurrent networks of spiking neurons",
        "10.1038/s41467-020-17236-y",
    )  # fmt: skip
    tau: Positive = eqx.field(default=20.0, converter=positive_as("tau"))
    tau_adaptation: Positive = eqx.field(default=200.0, converter=positive_as("tau_adaptation"))
    strength: Positive = eqx.field(default=0.2, converter=positive_as("strength"))
    refractory: float = eqx.field(default=0.0, static=True)
    dt: float = eqx.field(default=1.0, static=True)
    surrogate: Surrogate = eqx.field(default="fast_sigmoid", static=True)
    width: float = eqx.field(default=0.5, static=True)

    def __check_init__(self) -> None:
        known_spiking(self.dt, self.refractory, self.surrogate, self.width)

    def init(self, position, spacing):
        zero = jnp.zeros(())
        return AdaptiveLIFState(zero, zero, zero, zero)

    def fire(self, state, drive, key):
        membrane = kept(self.tau, self.dt) * state.membrane + drive
        distance = membrane - 1.0 - self.strength.value * state.adaptation
        awake, waited = waking(state.wait, self.refractory, self.dt)
        z = awake * spike(distance, self.surrogate, self.width)
        after = membrane - jax.lax.stop_gradient(z)  # as in `LIF`
        adaptation = kept(self.tau_adaptation, self.dt) * state.adaptation + z
        steep = awake * slope(distance, self.surrogate, self.width)
        wait = waiting(z, self.refractory, waited)
        return AdaptiveLIFState(after, adaptation, steep, wait), spiking(drive, z)

    def settle(self, state, cell, lateral):
        return state._replace(membrane=state.membrane + lateral), cell

    def reply(self, state, cell, apical, pool, modulator):
        return state, replied(cell, state.steep, apical)
