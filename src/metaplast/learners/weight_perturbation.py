"""Weight perturbation: synapses are disturbed at random, and what helped is repeated."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Layers, Perceptron, Sweep
from metaplast.learners.perturbation import AbstractPerturbation
from metaplast.source import Source


class WeightPerturbation(AbstractPerturbation):
    r"""Noise on every weight at once, credited with the change of the loss that it made.

    $\Delta W = -\tfrac{\eta}{\sigma^2} (\tilde L - L)\, \psi$, where $L$ is the loss of the
    answer and $\tilde L$ that of a second sweep of the same stimulus with weights and biases
    $W + \psi$, $\psi$ normal of variance $\sigma^2$. All that is fed back is one number, and a
    synapse need not know its cells. For small $\sigma$ the expectation is the negative gradient;
    its variance grows with the number of synapses.

    Deviations: all weights are disturbed at once, as Cauwenberghs does (one after the other in
    Jabri & Flower), and noise is normal (binary there).

    Args:
        network: who is taught.
        rate: learning rate $\eta$. An array leaf.
        noise: standard deviation $\sigma$.

    References: Jabri & Flower (1992) doi:10.1109/72.105429; Cauwenberghs (1993), A fast
    stochastic error-descent algorithm for supervised learning and optimization.
    """

    source: ClassVar[Source] = Source(
        "Jabri & Flower", 1992,
        "Weight perturbation: an optimal architecture and learning technique for analog VLSI "
        "feedforward and recurrent multilayer networks", "10.1109/72.105429",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.001, converter=lambda r: jnp.asarray(r, float))
    noise: float = eqx.field(static=True, default=0.01)

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state, stimulus)
        step = -self.rate * self.told(state, sweep, target, task, key)["harm"] / self.noise**2
        noises = self.noises(state, key)
        return jax.tree.map(lambda w, psi: w + step * psi, state, noises), sweep.readout

    def noises(self, layers: Layers, key) -> Layers:
        """What is added to every weight and bias."""
        leaves, structure = jax.tree.flatten(layers)
        keys = jax.random.split(key, len(leaves))
        return jax.tree.unflatten(structure, [
            self.noise * jax.random.normal(leaf_key, leaf.shape)
            for leaf_key, leaf in zip(keys, leaves, strict=True)
        ])  # fmt: skip

    def disturbed(self, layers: Layers, stimulus, key) -> Sweep:
        return self.network.sweep(jax.tree.map(jnp.add, layers, self.noises(layers, key)), stimulus)
