"""A cell that keeps its mean activity where it should be."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.rate import Rate
from metaplast.positive import Positive, positive, positive_as
from metaplast.source import Source
from metaplast.types import State


class HomeostaticState(NamedTuple):
    excitability: Float[Array, ""]
    """Added to the drive."""
    inner: State


class Homeostatic(AbstractAround):
    r"""Another cell, whose excitability rises while it is too quiet and falls while it is too loud.

    The cell `base` is driven by $\mathrm{drive} + b$, and $b \leftarrow b + \eta (\rho - y)$ at
    every moment at which it replies, with $y$ its activity. So its mean activity tends to $\rho$
    whatever plasticity does to its synapses.

    Args:
        base: the cell that fires and replies.
        target: $\rho$; of a spiking cell, spikes per moment.
        rate: $\eta$.

    References: Turrigiano (2011) doi:10.1146/annurev-neuro-060909-153238.
    """

    source: ClassVar[Source] = Source(
        "Turrigiano", 2011, "Too many cooks? Intrinsic and synaptic homeostatic mechanisms in "
        "cortical circuit refinement", "10.1146/annurev-neuro-060909-153238",
    )  # fmt: skip
    base: AbstractNeuron = eqx.field(default_factory=Rate)
    target: Positive = eqx.field(default=0.1, converter=positive_as("target"))
    rate: Positive = eqx.field(default=0.01, converter=positive)

    def init(self, position, spacing):
        return HomeostaticState(jnp.zeros(()), self.base.init(position, spacing))

    def fire(self, state, drive, key):
        return super().fire(state, drive + state.excitability, key)

    def reply(self, state, cell, apical, pool, modulator):
        state, cell = super().reply(state, cell, apical, pool, modulator)
        missing = self.target.value - cell.activity
        excitability = state.excitability + self.rate.value * missing
        return state._replace(excitability=excitability), cell
