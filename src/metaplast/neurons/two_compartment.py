"""The pyramidal cell: events driven from below, bursts made of them by what comes from above."""

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

USED = 1e-2
"""Events per step that a newborn cell takes for usual."""
TINY = 1e-12
"""Below this, a cell has forgotten its events."""


class TwoCompartmentState(NamedTuple):
    soma: Float[Array, ""]
    """Basal compartment, in units of the threshold, after the reset."""
    dendrite: Float[Array, ""]
    """Apical compartment, in units of the apical input."""
    events: Float[Array, ""]
    """Running mean of events per step."""
    bursts: Float[Array, ""]
    """Running mean of bursts per step."""
    steep: Float[Array, ""]
    wait: Float[Array, ""]


class TwoCompartment(AbstractNeuron):
    r"""A cell that speaks twice: its events go forward, its bursts tell what it heard from above.

    Soma: $v \leftarrow \alpha\, v + \mathrm{drive}$ with $\alpha = e^{-dt/\tau}$, an event
    $E = [v \ge 1]$ where it is not refractory, $v \leftarrow v - E$ (as `LIF`).
    Dendrite: $u \leftarrow \alpha_d\, u + (1 - \alpha_d)\, a$ with $a$ the apical input.
    Burst: $B = p E$ with $p = \sigma(g (u - \theta))$, the expected number of bursts among cells
    that share both inputs.

    Events are the activity, which goes forward. Bursts beyond what is usual are the message,
    which goes back: $B - \bar P E$ with $\bar P = \bar B / \bar E$, the burst fraction that the
    cell is used to. It is also signal 0 for incoming synapses, which makes them grow where the cell
    bursts more than usual (Payeur et al.). Signal 1 is the slope of an event, signal 2 the apical
    input.

    The dendrite and both means move in the reply, so their clock stands still where nobody replies:
    in the pause of `Presented` and while it hears a stimulus for its answer. The soma's does not.

    Where we deviate from the sources: their cells are stochastic, with plateaus and adaptation, and
    a burst is two spikes or more within 16 ms; here the dendrite is a leaky sigmoid and a burst
    a probability. Their feedback carries all bursts, filtered by facilitating synapses, ours those
    beyond the usual, for what is usual teaches nothing.

    Args:
        tau: time constant of the soma in ms.
        tau_dendrite: of the dendrite in ms.
        tau_mean: of what the cell is used to, in ms.
        gain: $g$, per unit of apical input.
        threshold: $\theta$, the dendrite at which half of all events are bursts.
        refractory: in ms, after an event.
        dt: length of a moment in ms.
        surrogate: the slope of an event that derivatives see, `neurons.surrogate`.
        width: of that slope in thresholds.

    References: Naud & Sprekeler (2018) doi:10.1073/pnas.1720995115; Payeur, Guerguiev, Zenke,
    Richards & Naud (2021) doi:10.1038/s41593-021-00857-x.
    """

    source: ClassVar[Source] = Source(
        "Payeur, Guerguiev, Zenke, Richards & Naud", 2021,
        "Burst-dependent synaptic plasticity can coordinate learning in hierarchical circuits",
        "10.1038/s41593-021-00857-x",
    )  # fmt: skip
    tau: Positive = eqx.field(default=20.0, converter=positive_as("tau"))
    tau_dendrite: Positive = eqx.field(default=10.0, converter=positive_as("tau_dendrite"))
    tau_mean: Positive = eqx.field(default=1000.0, converter=positive_as("tau_mean"))
    gain: Positive = eqx.field(default=4.0, converter=positive_as("gain"))
    threshold: Float[Array, ""] = eqx.field(default=0.0, converter=lambda v: jnp.asarray(v, float))
    refractory: float = eqx.field(default=0.0, static=True)
    dt: float = eqx.field(default=1.0, static=True)
    surrogate: Surrogate = eqx.field(default="fast_sigmoid", static=True)
    width: float = eqx.field(default=0.5, static=True)

    def __check_init__(self) -> None:
        known_spiking(self.dt, self.refractory, self.surrogate, self.width)

    def init(self, position, spacing):
        zero = jnp.zeros(())
        # Used to the burst fraction of a dendrite at rest, so that the first event is no news.
        used = USED * self._fraction(zero)
        return TwoCompartmentState(zero, zero, zero + USED, used, zero, zero)

    def fire(self, state, drive, key):
        soma = kept(self.tau, self.dt) * state.soma + drive
        awake, waited = waking(state.wait, self.refractory, self.dt)
        event = awake * spike(soma - 1.0, self.surrogate, self.width)
        steep = awake * slope(soma - 1.0, self.surrogate, self.width)
        after = soma - jax.lax.stop_gradient(event)  # as in `LIF`
        wait = waiting(event, self.refractory, waited)
        return state._replace(soma=after, steep=steep, wait=wait), spiking(drive, event)

    def settle(self, state, cell, lateral):
        return state._replace(soma=state.soma + lateral), cell

    def reply(self, state, cell, apical, pool, modulator):
        keep, slow = kept(self.tau_dendrite, self.dt), kept(self.tau_mean, self.dt)
        dendrite = keep * state.dendrite + (1.0 - keep) * apical
        event = cell.activity
        burst = self._fraction(dendrite) * event
        usual = state.bursts / jnp.maximum(state.events, TINY)
        unusual = burst - usual * event
        state = state._replace(
            dendrite=dendrite,
            events=slow * state.events + (1.0 - slow) * event,
            bursts=slow * state.bursts + (1.0 - slow) * burst,
        )
        cell = replied(cell, state.steep, apical)
        post = cell.post.at[0].set(unusual)
        return state, eqx.tree_at(lambda c: (c.message, c.post), cell, (unusual, post))

    def _fraction(self, dendrite):
        """Share of events that become bursts."""
        return jax.nn.sigmoid(self.gain.value * (dendrite - self.threshold))
