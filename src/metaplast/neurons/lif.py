"""The leaky integrate-and-fire cell."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.neurons.surrogate import known_surrogate, slope, spike
from metaplast.positive import Positive, kept, known_step, positive_as
from metaplast.signals import offered
from metaplast.source import Source
from metaplast.types import Cell

Surrogate = Literal["fast_sigmoid", "triangle", "arctan"]


class LIFState(NamedTuple):
    membrane: Float[Array, ""]
    """In units of the threshold, 0 at rest, after the reset."""
    steep: Float[Array, ""]
    """Slope of the spike at this moment; 0 while refractory."""
    wait: Float[Array, ""]
    """Refractory time that is left, in ms."""


class LIF(AbstractNeuron):
    r"""A leaky membrane that spikes at a threshold of 1, which is then taken off.

    $v \leftarrow \alpha\, v + \mathrm{drive}$ with $\alpha = e^{-dt/\tau}$; $z = [v \ge 1]$;
    $v \leftarrow v - z$. A moment is a step of `dt`; the membrane is in units of the threshold,
    and a drive is the jump that it makes at once: a weight is the height of a synaptic potential.
    A constant current of $I$ rheobases is a drive of $(1 - \alpha) I$; then the cell spikes
    every $\tau \ln(I / (I - 1))$ ms.

    While refractory, the membrane moves on but does not spike. Lateral synapses deliver after
    the spike, so they count from the next moment on. The spike is 0 or 1; a derivative sees the
    named surrogate, and none through the reset. Sends back the slope times what was heard, and
    offers the standard signals (`metaplast.signals`).

    Where we deviate from Bellec et al.: the reset decays with the membrane, from this moment on.

    Args:
        tau: time constant of the membrane in ms.
        refractory: in ms, after a spike.
        dt: length of a moment in ms.
        surrogate: the slope that derivatives see, `neurons.surrogate`.
        width: of that slope in thresholds.

    References: Lapicque (1907) J. Physiol. Pathol. Gen. 9, 620-635; Gerstner et al. (2014)
    doi:10.1017/CBO9781107447615; Bellec et al. (2020) doi:10.1038/s41467-020-17236-y.
    """

    source: ClassVar[Source] = Source(
        "Gerstner, Kistler, Naud & Paninski", 2014, "Neuronal dynamics", "10.1017/CBO9781107447615"
    )
    tau: Positive = eqx.field(default=20.0, converter=positive_as("tau"))
    refractory: float = eqx.field(default=0.0, static=True)
    dt: float = eqx.field(default=1.0, static=True)
    surrogate: Surrogate = eqx.field(default="fast_sigmoid", static=True)
    width: float = eqx.field(default=0.5, static=True)

    def __check_init__(self) -> None:
        known_spiking(self.dt, self.refractory, self.surrogate, self.width)

    def init(self, position, spacing):
        zero = jnp.zeros(())
        return LIFState(zero, zero, zero)

    def fire(self, state, drive, key):
        membrane = kept(self.tau, self.dt) * state.membrane + drive
        awake, waited = waking(state.wait, self.refractory, self.dt)
        z = awake * spike(membrane - 1.0, self.surrogate, self.width)
        steep = awake * slope(membrane - 1.0, self.surrogate, self.width)
        # The reset is no way for a derivative: it would bring the surrogate's error to all later
        # moments (Zenke & Vogels 2021, doi:10.1162/neco_a_01367).
        after = membrane - jax.lax.stop_gradient(z)
        wait = waiting(z, self.refractory, waited)
        return LIFState(after, steep, wait), spiking(drive, z)

    def settle(self, state, cell, lateral):
        return state._replace(membrane=state.membrane + lateral), cell

    def reply(self, state, cell, apical, pool, modulator):
        return state, replied(cell, state.steep, apical)


def waking(
    wait: Float[Array, ""], refractory: float, dt: float
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Whether a cell may spike after one more step (1 or 0), and what is then left to wait."""
    if refractory == 0:  # never has to wait, so need not watch the time
        return jnp.ones_like(wait), wait
    left = jnp.maximum(wait - dt, 0.0)
    return (left < 0.5 * dt).astype(left.dtype), left  # differences of times are not exact


def waiting(z: Float[Array, ""], refractory: float, left: Float[Array, ""]) -> Float[Array, ""]:
    """What a cell has to wait after a step in which it spiked or not, in ms."""
    return left if refractory == 0 else jnp.where(z > 0, refractory, left)


def spiking(drive: Float[Array, ""], z: Float[Array, ""]) -> Cell:
    """A cell that says `z` to everybody."""
    cell = silent(drive)
    pooled = cell.pooled.at[:2].set(z)
    return eqx.tree_at(lambda c: (c.activity, c.settled, c.pooled), cell, (z, z, pooled))


def replied(cell: Cell, steep: Float[Array, ""], apical: Float[Array, ""]) -> Cell:
    """The cell with its standard signals: slope times what it heard, the slope, what it heard."""
    message = steep * apical
    return eqx.tree_at(
        lambda c: (c.message, c.post, c.pre),
        cell,
        (message, offered(message, steep, apical), cell.activity[None]),
    )


def known_spiking(dt: float, refractory: float, surrogate: str, width: float) -> None:
    """Refuse what no spiking cell can have.

    Raises:
        ValueError: a step that is no time, a negative refractory time, an unknown surrogate.
    """
    known_step(dt)
    known_surrogate(surrogate, width)
    if not refractory >= 0:
        raise ValueError(f"refractory = {refractory}: expected 0 ms or more; give 0.0")
