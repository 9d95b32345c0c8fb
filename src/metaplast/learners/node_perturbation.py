"""Node perturbation: cells are disturbed at random, and what helped is repeated."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Layers, Perceptron, Sweep, Vectors, learned
from metaplast.learners.perturbation import AbstractPerturbation
from metaplast.source import Source


class NodePerturbation(AbstractPerturbation):
    r"""Noise on the drive of every cell, credited with the change of the loss that it made.

    $\Delta W_l = -\tfrac{\eta}{\sigma^2} (\tilde L - L)\, \xi_l h_{l-1}^\top$, where $L$ is the
    loss of the answer and $\tilde L$ that of a second sweep of the same stimulus with normal
    noise $\xi_l$ of variance $\sigma^2$ added to what drives hidden and output cells. All that
    is fed back is one number, the same for all synapses. For small $\sigma$ the expectation is
    the negative gradient; its variance grows with the number of cells.

    Deviations: activities $h$ are those of the sweep without noise.

    Args:
        network: who is taught.
        rate: learning rate $\eta$. An array leaf.
        noise: standard deviation $\sigma$.

    References: Widrow & Lehr (1990) doi:10.1109/5.58323 (Madaline Rule III); Werfel, Xie &
    Seung (2005) doi:10.1162/089976605774320539.
    """

    source: ClassVar[Source] = Source(
        "Werfel, Xie & Seung", 2005,
        "Learning curves for stochastic gradient descent in linear feedforward networks",
        "10.1162/089976605774320539",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.01, converter=lambda r: jnp.asarray(r, float))
    noise: float = eqx.field(static=True, default=0.01)

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state, stimulus)
        harm = self.told(state, sweep, target, task, key)["harm"]
        credit = [-harm / self.noise**2 * xi for xi in self.noises(state, key)]
        return learned(state, sweep.heard, credit, self.rate), sweep.readout

    def noises(self, layers: Layers, key) -> Vectors:
        """What is added to the drives of every layer but the input."""
        keys = jax.random.split(key, len(layers.biases))
        return [
            self.noise * jax.random.normal(layer_key, bias.shape)
            for layer_key, bias in zip(keys, layers.biases, strict=True)
        ]

    def disturbed(self, layers: Layers, stimulus, key) -> Sweep:
        return self.network.sweep(layers, stimulus, self.noises(layers, key))
