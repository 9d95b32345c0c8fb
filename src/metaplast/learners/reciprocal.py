"""Reciprocal synapses: errors come back over feedback weights that the network has of its own."""

# No postponed annotations here: equinox must see `AbstractVar` itself, not its name.

from typing import NamedTuple

import equinox as eqx
import jax
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Layers, Matrices, Perceptron, Sweep, Vectors


class ReciprocalState(NamedTuple):
    """A network, and feedback weights of its own."""

    layers: Layers
    feedback: list[Float[Array, "below above"]]


class AbstractReciprocal(eqx.Module):
    """Errors travel back over plastic feedback weights, multiplied by the slope of the cells; at
    the output they are wanted less softmax."""

    network: eqx.AbstractVar[Perceptron]
    """Who is taught."""

    @property
    def synapses(self) -> int:
        """Forward and feedback weights."""
        shapes = self.network.shapes
        return self.network.synapses + sum(post * pre for post, pre in shapes[1:])

    def born(self, key):
        return newborn(self.network, key)

    def predict(self, state, stimulus):
        return self.network.sweep(state.layers, stimulus).readout

    def errors(self, state: ReciprocalState, sweep: Sweep, target, task, key) -> Vectors:
        """Of every layer but the input."""
        error = task.teach(sweep.readout, target).signal - jax.nn.softmax(sweep.readout)
        return self.network.backward(sweep.drives, error, state.feedback)


def newborn(network: Perceptron, key) -> ReciprocalState:
    """Both ways drawn at random, independent of each other."""
    forward_key, feedback_key = jax.random.split(key)
    return ReciprocalState(network.born(forward_key), random_feedback(network, feedback_key))


def random_feedback(network: Perceptron, key) -> Matrices:
    """Feedback weights `[below, above]` for every hidden layer, of the same distribution as the
    forward weights that they run against, and independent of them."""
    shapes, scales = network.shapes[1:], network.scales[1:]
    keys = jax.random.split(key, max(len(shapes), 1))
    return [
        scale * jax.random.normal(layer_key, (pre, post))
        for layer_key, (post, pre), scale in zip(keys, shapes, scales, strict=False)
    ]
