"""Exemplar cells: recruited by what is new, they fire for what resembles it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.neurons.sensory import Adaptation, rested
from metaplast.positive import Positive, positive_as
from metaplast.source import Source


class ExemplarState(NamedTuple):
    maturity: Float[Array, ""]
    """0 for a newborn cell, 1 for one that has found what it stands for."""
    recruited: Float[Array, ""]
    """How much it matured at this very moment."""
    used_to: Adaptation
    position: Float[Array, ""]
    spacing: Float[Array, ""]


class Exemplar(AbstractNeuron):
    r"""A radial cell that stores the stimulus which recruited it, and fires for its like.

    A radial cell: $r = m\, e^{\beta (v - 1)}$, $v$ the cosine between stimulus and weights.

    Immature cells ($m < 1$) mature one after the other along the population: a cell is
    open once the interneuron reports that all cells before it are mature. The open cell
    is recruited by novelty, $\rho = \mathrm{open} \cdot (1 - m) \cdot \sigma(a - b\,\bar r)$,
    fires at once, and offers $\rho$ to its incoming synapses, which store the stimulus
    (`Factored`, channel 1). Channel 0 is the error-driven drift of mature cells. What is
    sent to the next layer is the deviation from the cell's own mean, divided by the
    population's energy; what is reported aside (`settled`) is the rate itself. Rates, maturity and
    recruitment have no units; a stored stimulus has those of the stimulus.

    Args:
        sharpness: $\beta$.
        eagerness: $a$, of a cell that hears of nothing like the stimulus.
        familiarity: $b$, per unit of $\bar r$, the mean rate of the population.
        leak: of the running mean of its own rate, per moment.
        floor: added to the population's energy, a mean square of rates.

    References: Platt (1991) doi:10.1162/neco.1991.3.2.213 (resource-allocating network);
    Carpenter & Grossberg (1987) doi:10.1016/S0734-189X(87)80014-2.
    """

    source: ClassVar[Source] = Source(
        "Platt", 1991, "A resource-allocating network for function interpolation",
        "10.1162/neco.1991.3.2.213",
    )  # fmt: skip
    sharpness: Positive = eqx.field(default=3.0, converter=positive_as("sharpness"))
    eagerness: Float[Array, ""] = eqx.field(default=8.0, converter=lambda v: jnp.asarray(v, float))
    familiarity: Positive = eqx.field(default=0.1, converter=positive_as("familiarity"))
    leak: Positive = eqx.field(default=1e-3, converter=positive_as("leak"))
    floor: Positive = eqx.field(default=1e-2, converter=positive_as("floor"))

    def init(self, position, spacing):
        zero = jnp.zeros(())
        return ExemplarState(zero, zero, rested(), position, spacing)

    def fire(self, state, drive, key):
        cell = silent(drive)
        similar = jnp.exp(self.sharpness.value * (jnp.minimum(drive, 1.5) - 1.0)) * state.maturity
        surplus = similar - state.used_to.mean
        pooled = jnp.stack([surplus**2, similar, state.maturity])
        return state, eqx.tree_at(lambda c: (c.activity, c.pooled), cell, (similar, pooled))

    def inhibit(self, state, cell, pool):
        energy, similarity, maturity, upstream = pool
        open_ = jnp.clip((maturity - state.position) / state.spacing + 1.0, 0.0, 1.0)
        # All of the layer below has to be mature; its size is not known here.
        open_ = open_ * jnp.clip((upstream - 0.995) / 0.004, 0.0, 1.0)
        novelty = jax.nn.sigmoid(self.eagerness - self.familiarity.value * similarity)
        recruited = novelty * open_ * (1.0 - state.maturity)
        rate = cell.activity + recruited
        surplus = rate - state.used_to.mean
        activity = surplus * jax.lax.rsqrt(energy + self.floor.value)
        state = state._replace(
            maturity=state.maturity + recruited,
            recruited=recruited,
            used_to=state.used_to.seen(rate, self.leak.value),
        )
        return state, eqx.tree_at(lambda c: (c.activity, c.settled), cell, (activity, rate))

    def reply(self, state, cell, apical, pool, modulator):
        # What cells above say concerns whoever is recruited; no slope is asked for.
        message = state.maturity * apical
        offered = jnp.stack([message, state.recruited])
        seen = jnp.stack([cell.activity, cell.activity])
        return state, eqx.tree_at(
            lambda c: (c.message, c.post, c.pre), cell, (message, offered, seen)
        )
