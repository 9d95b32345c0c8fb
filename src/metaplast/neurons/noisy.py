"""Another cell that says what it has to say with noise."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.rate import Rate
from metaplast.positive import Positive, positive_as
from metaplast.source import Source
from metaplast.types import State


class NoisyState(NamedTuple):
    noise: Float[Array, ""]
    """Of this moment."""
    inner: State


class Noisy(AbstractAround):
    r"""Another cell whose activity is $y + \sigma \xi$, with $\xi$ normal and new at every moment.

    What it settled at is $y$, so its own synapses can tell the noise, $\text{activity} -
    \text{settled}$ (`Mirror`). The message is that of the cell `base` without noise. A network with
    noisy cells needs a key to answer.

    Args:
        base: the cell that fires and replies.
        size: $\sigma$, in units of the activity.

    References: Akrout et al. (2019) arXiv:1904.05391; Faisal, Selen & Wolpert (2008)
    doi:10.1038/nrn2258.
    """

    source: ClassVar[Source] = Source(
        "Faisal, Selen & Wolpert", 2008, "Noise in the nervous system", "10.1038/nrn2258"
    )
    noisy: ClassVar[bool] = True
    base: AbstractNeuron = eqx.field(default_factory=Rate)
    size: Positive = eqx.field(default=0.2, converter=positive_as("size"))

    def init(self, position, spacing):
        return NoisyState(jnp.zeros(()), self.base.init(position, spacing))

    def fire(self, state, drive, key):
        if key is None:
            raise ValueError("key = None: Noisy is a noisy neuron; pass a key")
        noise_key, base_key = jax.random.split(key)
        noise = self.size.value * jax.random.normal(noise_key, (), drive.dtype)
        return super().fire(state._replace(noise=noise), drive, base_key)

    def rebalance(self, state, cell, pool):
        state, cell = super().rebalance(state, cell, pool)
        said = cell.activity + state.noise
        cell = eqx.tree_at(lambda c: (c.activity, c.settled), cell, (said, cell.activity))
        return state, cell
