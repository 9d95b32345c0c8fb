"""The cell that says yes or no by chance."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron
from metaplast.neurons.lif import replied, spiking
from metaplast.positive import Positive, positive_as
from metaplast.source import Source


class StochasticBinaryState(NamedTuple):
    steep: Float[Array, ""]
    """Slope of the probability at this moment."""


class StochasticBinary(AbstractNeuron):
    r"""A cell that is active or not, at random, the more often the more it is driven.

    $z \sim \mathrm{Bernoulli}(p)$, $p = \sigma((v - \theta) / T)$ with $v$ the drive. Mean
    activity is $p$, its variance $p (1 - p)$.

    A derivative sees the slope of the mean, $\partial z / \partial v = p (1 - p) / T$: the
    straight-through estimator of Bengio et al., exact for what is linear in $z$. Sends back
    that slope times what was heard, and offers the standard signals (`metaplast.signals`).

    Args:
        threshold: $\theta$, the drive at which both are equally likely.
        temperature: $T$, in units of the drive.

    References: Ackley, Hinton & Sejnowski (1985) doi:10.1207/s15516709cog0901_7; Bengio,
    Léonard & Courville (2013) arXiv:1308.3432.
    """

    source: ClassVar[Source] = Source(
        "Ackley, Hinton & Sejnowski", 1985, "A learning algorithm for Boltzmann machines",
        "10.1207/s15516709cog0901_7",
    )  # fmt: skip
    noisy: ClassVar[bool] = True
    threshold: Float[Array, ""] = eqx.field(default=0.0, converter=lambda v: jnp.asarray(v, float))
    temperature: Positive = eqx.field(default=1.0, converter=positive_as("temperature"))

    def init(self, position, spacing):
        return StochasticBinaryState(jnp.zeros(()))

    def fire(self, state, drive, key):
        if key is None:
            raise ValueError("key = None: StochasticBinary is a noisy neuron; pass a key")
        p = jax.nn.sigmoid((drive - self.threshold) / self.temperature.value)
        hard = (jax.random.uniform(key, (), p.dtype) < p).astype(p.dtype)
        # `p` less itself is exactly 0, so that the sum is exactly 0 or 1.
        z = hard + (p - jax.lax.stop_gradient(p))
        return StochasticBinaryState(p * (1.0 - p) / self.temperature.value), spiking(drive, z)

    def reply(self, state, cell, apical, pool, modulator):
        return state, replied(cell, state.steep, apical)
