"""Sign-symmetric feedback: errors travel over the signs of the forward weights."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.bare import AbstractBare
from metaplast.learners.perceptron import Layers, Matrices, Perceptron, Sweep, Vectors, learned
from metaplast.source import Source

MAGNITUDES = ("uniform", "batch_random", "own")


class SignSymmetric(AbstractBare):
    r"""Backprop whose feedback weights have the signs of the forward ones, and other sizes.

    $e_l = \phi'(v_l) \, B_l e_{l+1}$, $B_l = |M_l| \circ \operatorname{sign}(W_{l+1})^\top$, and
    $\Delta W_l = \eta\, e_l h_{l-1}^\top$; at the output $e$ is wanted less softmax.

    Deviations: sizes are in units of the root mean square of the forward weights at birth, so
    that errors neither grow nor shrink with the width (in the papers all are 1 or unit normal,
    and batch normalization or the sign of the update takes the scale out); the step is plain,
    one example each, without either of these and without momentum.

    Args:
        network: who is taught.
        rate: learning rate $\eta$. An array leaf.
        magnitudes: `uniform` (uSF: all the same), `batch_random` (brSF: half-normal, drawn anew
            at every moment), or `own`, those of the forward weights: gradient descent, the
            control that cheats.

    References: Liao, Leibo & Poggio (2016) doi:10.1609/aaai.v30i1.10279; Moskovitz,
    Litwin-Kumar & Abbott (2018) arXiv:1812.06488.
    """

    source: ClassVar[Source] = Source(
        "Liao, Leibo & Poggio", 2016,
        "How important is weight symmetry in backpropagation?", "10.1609/aaai.v30i1.10279",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    magnitudes: str = eqx.field(static=True, default="uniform")

    def __check_init__(self) -> None:
        if self.magnitudes not in MAGNITUDES:
            raise ValueError(f"magnitudes = {self.magnitudes!r}, expected one of {MAGNITUDES}")

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state, stimulus)
        errors = self.errors(state, sweep, target, task, key)
        return learned(state, sweep.heard, errors, self.rate), sweep.readout

    def errors(self, state, sweep: Sweep, target, task, key) -> Vectors:
        """Of every layer but the input."""
        error = task.teach(sweep.readout, target).signal - jax.nn.softmax(sweep.readout)
        return self.network.backward(sweep.drives, error, self.feedback(state, key))

    def feedback(self, layers: Layers, key) -> Matrices:
        """Feedback weights `[below, above]` of this moment, one matrix for each hidden layer."""
        if self.magnitudes == "own":
            return [jnp.sign(weight.T) * jnp.abs(weight.T) for weight in layers.weights[1:]]
        signs = [jnp.sign(weight.T) for weight in layers.weights[1:]]
        scales = self.network.scales[1:]
        if self.magnitudes == "batch_random":
            keys = jax.random.split(key, len(signs))
            signs = [
                sign * jnp.abs(jax.random.normal(layer_key, sign.shape))
                for layer_key, sign in zip(keys, signs, strict=True)
            ]
        return [scale * sign for scale, sign in zip(scales, signs, strict=True)]
