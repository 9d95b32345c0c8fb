"""E-prop: the gradient through time, forward in time, from what a synapse can know."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.positive import Positive, kept, known_step, positive, positive_as
from metaplast.rules.abstract import AbstractRule
from metaplast.signals import HEARD, SLOPE, from_post
from metaplast.source import Source


class Eligibility(NamedTuple):
    potential: Float[Array, ""]
    """How the weight moved the membrane: pre-synaptic activity, filtered like the membrane."""
    tired: Float[Array, ""]
    """How the weight moved the adaptation."""
    trace: Float[Array, ""]
    """How the weight moved what the readout remembers of the spikes."""


class EProp(AbstractRule):
    r"""Each synapse remembers how it moved its cell; a learning signal says whether that was good.

    $p \leftarrow \alpha\, p + x_j$, $e = \psi_i\,(p - \beta\, \epsilon)$,
    $\epsilon \leftarrow \rho\, \epsilon + e$, $\bar e \leftarrow \kappa\, \bar e + e$,
    $\Delta w_{ij} = \eta\, L_i\, \bar e$, with $\psi$ the slope of the post-synaptic cell's spike
    and $L$ what it hears at its apical site.

    For one layer of `LIF` ($\beta = 0$) or `AdaptiveLIF` cells without lateral synapses, with equal
    time constants and a leaky readout (`Leaky`) over whose weights the errors return, the sum of
    the changes is the negative gradient of the loss summed over time, as back-propagation through
    time finds it; with random feedback it is that of feedback alignment, with lateral synapses what
    e-prop leaves of it. The time constants must be those of the cells.

    Where we deviate from the source: the drive is delivered within the moment of the spike, so $p$
    counts it; at a lateral site it counts it too, though lateral input arrives after the spike
    (recurrence belongs at the basal site with `delay = 1`, as in `circuits.recurrent`);
    $1 - \kappa$, a factor of the leaky readout, is left to $\eta$; no regularization of the rates.

    At `tau_readout = 0` and `adaptation = 0` the change is $L_i \psi_i p_j$, which cells that
    keep traces offer ready (`Factored`, channel 0, with `neurons.Traced`), and cheaper.

    Args:
        rate: $\eta$.
        tau: of the post-synaptic membrane in ms.
        tau_readout: of the readout that $\kappa = e^{-dt/\tau}$ stands for, in ms; 0 for none.
        adaptation: $\beta$ of the post-synaptic cell, in thresholds.
        tau_adaptation: of the post-synaptic adaptation in ms.
        dt: length of a moment in ms.

    References: Bellec et al. (2020) doi:10.1038/s41467-020-17236-y.
    """

    source: ClassVar[Source] = Source(
        "Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass", 2020,
        "A solution to the learning dilemma for recurrent networks of spiking neurons",
        "10.1038/s41467-020-17236-y",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)
    tau: Positive = eqx.field(default=20.0, converter=positive_as("tau"))
    tau_readout: Positive = eqx.field(default=20.0, converter=positive_as("tau_readout"))
    adaptation: Positive = eqx.field(default=0.0, converter=positive_as("adaptation"))
    tau_adaptation: Positive = eqx.field(default=200.0, converter=positive_as("tau_adaptation"))
    dt: float = eqx.field(default=1.0, static=True)

    def __check_init__(self) -> None:
        known_step(self.dt)

    def init(self):
        zero = jnp.zeros(())
        return Eligibility(zero, zero, zero)

    def __call__(self, synapse, memory):
        potential = kept(self.tau, self.dt) * memory.potential + synapse.pre.activity
        felt = potential - self.adaptation.value * memory.tired
        now = from_post(synapse.post, SLOPE) * felt
        tired = kept(self.tau_adaptation, self.dt) * memory.tired + now
        trace = kept(self.tau_readout, self.dt) * memory.trace + now
        change = self.rate.value * from_post(synapse.post, HEARD) * trace
        return change, Eligibility(potential, tired, trace)
