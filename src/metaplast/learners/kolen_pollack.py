"""Kolen-Pollack: forward and feedback synapses make the same changes, and both decay."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Layers, Perceptron, learned
from metaplast.learners.reciprocal import AbstractReciprocal, ReciprocalState
from metaplast.source import Source


class KolenPollack(AbstractReciprocal):
    r"""Feedback weights grow symmetric because both ways change alike and forget where they began.

    $\Delta W_{l+1} = \eta\, e_{l+1} h_l^\top - \lambda W_{l+1}$ and
    $\Delta B_l = \eta\, h_l e_{l+1}^\top - \lambda B_l$, so $B_l - W_{l+1}^\top$ shrinks as
    $(1-\lambda)^t$ whatever is learned. Errors travel back over $B$ and are multiplied by the
    slope of the cells; at the output $e$ is wanted less softmax. Both synapses see the same two
    cells; no weight and no change of a weight is transported.

    Deviations: biases do not decay; the step is plain, one example each, without momentum; the
    weights onto the first hidden layer, which nothing mirrors, decay as well.

    Args:
        network: who is taught.
        rate: learning rate $\eta$. An array leaf.
        decay: $\lambda$, per moment. An array leaf.

    References: Kolen & Pollack (1994) doi:10.1109/ICNN.1994.374486; Akrout et al. (2019)
    arXiv:1904.05391.
    """

    source: ClassVar[Source] = Source(
        "Akrout, Wilson, Humphreys, Lillicrap & Tweed", 2019,
        "Deep learning without weight transport", "10.48550/arXiv.1904.05391",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    decay: Float[Array, ""] = eqx.field(default=0.01, converter=lambda d: jnp.asarray(d, float))

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state.layers, stimulus)
        errors = self.errors(state, sweep, target, task, key)
        kept = 1.0 - self.decay
        decayed = Layers([kept * weight for weight in state.layers.weights], state.layers.biases)
        feedback = [
            kept * back + self.rate * jnp.outer(said, above)
            for back, said, above in zip(state.feedback, sweep.heard[1:], errors[1:], strict=True)
        ]
        layers = learned(decayed, sweep.heard, errors, self.rate)
        return ReciprocalState(layers, feedback), sweep.readout
