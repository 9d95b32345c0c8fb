"""Recurrent rate cells: what their neighbors and the output said reaches them a moment later."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.positive import Positive, kept, known_step, positive_as
from metaplast.source import Source

GOLDEN = 0.6180339887
"""Multiples of it never coincide, whole turns left out."""


class ReservoirState(NamedTuple):
    membrane: Float[Array, ""]
    heard: Float[Array, ""]
    """Lateral and apical input, on its way to the membrane."""


class Reservoir(AbstractNeuron):
    r"""A leaky rate cell that is driven by its neighbors and by feedback as much as from below.

    $v \leftarrow \alpha\, v + (1 - \alpha)(\mathrm{drive} + \mathrm{lateral} + \mathrm{apical})$
    with $\alpha = e^{-dt/\tau}$, $y = \tanh v$. Lateral and apical input are those of the
    moment before, for both arrive when the cell has fired. With a gain of the lateral synapses
    beyond 1 a population is chaotic on its own (Sompolinsky et al. 1988). At birth the membranes
    stand at `start` times the cosine of phases that no two cells share, for at rest, silence
    would last.

    The message is the apical input times the slope, the share in which it will move the cell.

    Args:
        tau: time constant of the membrane in ms.
        start: largest membrane at birth.
        dt: length of a moment in ms.

    References: Sussillo & Abbott (2009) doi:10.1016/j.neuron.2009.07.018; Sompolinsky, Crisanti &
    Sommers (1988) doi:10.1103/PhysRevLett.61.259.
    """

    source: ClassVar[Source] = Source(
        "Sompolinsky, Crisanti & Sommers", 1988, "Chaos in random neural networks",
        "10.1103/PhysRevLett.61.259",
    )  # fmt: skip
    tau: Positive = eqx.field(default=10.0, converter=positive_as("tau"))
    start: float = eqx.field(default=0.5, static=True)
    dt: float = eqx.field(default=1.0, static=True)

    def __check_init__(self) -> None:
        known_step(self.dt)

    def init(self, position, spacing):
        phase = GOLDEN * position / spacing
        return ReservoirState(self.start * jnp.cos(2 * jnp.pi * phase), jnp.zeros(()))

    def fire(self, state, drive, key):
        keep = kept(self.tau, self.dt)
        membrane = keep * state.membrane + (1.0 - keep) * (drive + state.heard)
        rate = jnp.tanh(membrane)
        cell = eqx.tree_at(lambda c: (c.activity, c.settled), silent(drive), (rate, rate))
        return ReservoirState(membrane, jnp.zeros_like(membrane)), cell

    def settle(self, state, cell, lateral):
        return state._replace(heard=lateral), cell

    def reply(self, state, cell, apical, pool, modulator):
        message = (1.0 - cell.activity**2) * apical
        cell = eqx.tree_at(
            lambda c: (c.message, c.post, c.pre),
            cell,
            (message, message[None], cell.activity[None]),
        )
        return state._replace(heard=state.heard + apical), cell
