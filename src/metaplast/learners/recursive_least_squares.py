"""Recursive least squares: ridge regression, one example at a time."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.source import Source


class LeastSquaresState(NamedTuple):
    weights: Float[Array, "classes features"]
    inverse: Float[Array, "features features"]
    """Inverse of the regularized correlation matrix of all that was seen."""


class RecursiveLeastSquares(eqx.Module):
    r"""After $t$ examples, exactly the ridge regression of one-hot targets on them:
    $W = Y^\top X (X^\top X + \rho I)^{-1}$, with the constant `bias` appended to every stimulus.

    Deviations: the recursion begins at a ridge and no examples, where Plackett adds observations to
    a problem that has been solved.

    Args:
        ridge: $\rho$, in squared units of the stimulus. An array leaf.
        bias: 1 to learn an offset with the weights, 0 to leave it out: in the first
            moments of a life it costs more than it gives where stimuli are centered.
            An array leaf.

    References: Plackett (1950) doi:10.1093/biomet/37.1-2.149.
    """

    source: ClassVar[Source] = Source(
        "Plackett", 1950, "Some theorems in least squares", "10.1093/biomet/37.1-2.149"
    )
    inputs: int = eqx.field(static=True)
    classes: int = eqx.field(static=True)
    ridge: Float[Array, ""] = eqx.field(default=1.0, converter=lambda r: jnp.asarray(r, float))
    bias: Float[Array, ""] = eqx.field(default=1.0, converter=lambda b: jnp.asarray(b, float))

    @property
    def synapses(self) -> int:
        """Weights and the inverse matrix, all of which change at every moment."""
        features = self.inputs + 1
        return features * (features + self.classes)

    def born(self, key):
        features = self.inputs + 1
        return LeastSquaresState(
            jnp.zeros((self.classes, features)), jnp.eye(features) / self.ridge
        )

    def predict(self, state, stimulus):
        return state.weights @ jnp.append(stimulus, self.bias)

    def moment(self, state, stimulus, target, task, key=None):
        features = jnp.append(stimulus, self.bias)
        readout = state.weights @ features
        settled = state.inverse @ features
        # Rounding can leave the inverse slightly indefinite in very long lives.
        gain = settled / (1.0 + jnp.maximum(features @ settled, 0.0))
        error = jax.nn.one_hot(target, self.classes, dtype=readout.dtype) - readout
        return LeastSquaresState(
            state.weights + jnp.outer(error, gain),
            state.inverse - jnp.outer(gain, settled),
        ), readout
