"""The weight mirror: noise that travels forward teaches the feedback weights."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Layers, Matrices, Perceptron, Sweep, learned
from metaplast.learners.reciprocal import AbstractReciprocal, ReciprocalState
from metaplast.source import Source

NOISE = 0.1
"""Standard deviation of the noise; small, so that hidden cells answer about linearly."""


class WeightMirror(AbstractReciprocal):
    r"""Backprop over feedback weights that learn from noise to be the transposed forward weights.

    Every moment has two modes. *Engaged*: the network answers, errors travel back over $B$, and
    forward weights change, $\Delta W_l = \eta\, e_l h_{l-1}^\top$. *Mirror*: one layer after the
    other discharges independent noise $y_l$ of variance $\sigma^2$, the layer above answers
    $y_{l+1} = \phi(W_{l+1} y_l)$, and feedback synapses correlate the two,
    $\Delta B_l = \mu\,(y_l y_{l+1}^\top / \sigma^2 - B_l)$. As
    $E[y_l y_{l+1}^\top] = \sigma^2\, E[\phi']\, W_{l+1}^\top$, $B$ becomes proportional to
    $W^\top$; the factor $E[\phi']$ is about 1 for tanh and 1/2 for relu.

    Deviations: the correlations are divided by the variance of the noise, which fixes the scale
    that the paper leaves to its decay; biases are blocked in mirror mode; the step is plain, one
    example each, without momentum.

    Args:
        network: who is taught.
        rate: learning rate $\eta$ of the forward weights. An array leaf.
        mirroring: $\mu$, how much of what feedback weights hold is replaced at a moment.
        volleys: how many discharges of noise are averaged at a moment.

    References: Akrout et al. (2019) arXiv:1904.05391.
    """

    source: ClassVar[Source] = Source(
        "Akrout, Wilson, Humphreys, Lillicrap & Tweed", 2019,
        "Deep learning without weight transport", "10.48550/arXiv.1904.05391",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    mirroring: float = eqx.field(static=True, default=0.05)
    volleys: int = eqx.field(static=True, default=16)

    def __check_init__(self) -> None:
        if self.volleys < 1:
            raise ValueError(f"volleys = {self.volleys}: expected 1 or more")
        if not 0 < self.mirroring <= 1:
            raise ValueError(f"mirroring = {self.mirroring}: expected more than 0 and at most 1")

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state.layers, stimulus)
        errors = self.errors(state, sweep, target, task, key)
        layers = learned(state.layers, sweep.heard, errors, self.rate)
        feedback = self.mirrored(state.layers, state.feedback, key)
        return ReciprocalState(layers, feedback), sweep.readout

    def mirrored(self, layers: Layers, feedback: Matrices, key) -> Matrices:
        """Feedback weights `[below, above]` after one mirror mode."""
        changed = []
        for back, (noise, answer) in zip(feedback, self.discharges(layers, key), strict=True):
            seen = noise @ answer.T / (self.volleys * NOISE**2)
            changed.append(back + self.mirroring * (seen - back))
        return changed

    def discharges(self, layers: Layers, key) -> list[tuple[Array, Array]]:
        """Noise of each hidden layer `[below, volleys]`, and what the layer above answers."""
        last = len(layers.weights) - 2
        keys = jax.random.split(key, max(last + 1, 1))
        found = []
        for layer, weight in enumerate(layers.weights[1:]):
            noise = NOISE * jax.random.normal(keys[layer], (weight.shape[1], self.volleys))
            drive = weight @ noise
            found.append((noise, drive if layer == last else self.network.says(drive)))
        return found

    def told(self, state: ReciprocalState, sweep: Sweep, target, task, key) -> dict[str, Any]:
        """What cells say in mirror mode; the output makes no noise."""
        found = self.discharges(state.layers, key)
        return {
            "noise": [*(noise for noise, _ in found), None],
            "answer": [answer for _, answer in found],
        }
