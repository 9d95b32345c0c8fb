"""What known answers are compared with: a network written anew, in the plainest way."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from learners.easy import Easy
from metaplast.types import Teaching

TASK = Easy()
TARGET = 2
PHI = {
    "relu": lambda v: jnp.maximum(v, 0),
    "tanh": jnp.tanh,
    "linear": lambda v: v,
    "sigmoid": lambda v: 1 / (1 + jnp.exp(-v)),
    "softplus": lambda v: jnp.log(1 + jnp.exp(v)),
}


class Gentle(Easy):
    """Wants what the learner has just said, and a little of the truth."""

    truth: float = 0.0

    def teach(self, readout, target):
        said = jax.nn.softmax(readout)
        true = jax.nn.one_hot(target, readout.shape[0], dtype=readout.dtype)
        return Teaching(said + self.truth * (true - said), jnp.zeros(1))


def stimulus(inputs: int = 6):
    return jnp.linspace(-1.0, 1.5, inputs)


def readout(layers, x, phi):
    said = x
    for w, b in zip(layers.weights[:-1], layers.biases[:-1], strict=True):
        said = PHI[phi](jnp.sum(w * said[None, :], axis=1) + b)
    return jnp.sum(layers.weights[-1] * said[None, :], axis=1) + layers.biases[-1]


def cross_entropy(layers, x, target, phi):
    logits = readout(layers, x, phi)
    return -jnp.log(jnp.exp(logits[target]) / jnp.sum(jnp.exp(logits)))


gradient = jax.jit(jax.grad(cross_entropy), static_argnames="phi")


def biased(layers, key=None):
    """The same layers with biases that are not zero."""
    return layers._replace(
        biases=[0.1 * jnp.sin(1.0 + jnp.arange(b.shape[0], dtype=b.dtype)) for b in layers.biases]
    )


def moved(learner, state, target=TARGET, task=TASK, key=3, x=None):
    """State after one moment, and the change of the way forward."""
    x = stimulus(state_layers(state).weights[0].shape[1]) if x is None else x
    step = jax.jit(lambda s, k: learner.moment(s, x, jnp.asarray(target), task, k)[0])
    after = step(state, jax.random.key(key))
    return after, jax.tree.map(jnp.subtract, state_layers(after), state_layers(state))


def state_layers(state):
    return getattr(state, "layers", state)


def assert_equal(found, reference, tolerance=1e-10, sign=1.0):
    """Leaf by leaf, and the reference is not zero."""
    for ours, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(reference), strict=True):
        assert np.abs(wanted).max() > 1e-3
        np.testing.assert_allclose(ours, sign * wanted, atol=tolerance)


def distance(found, reference, sign=1.0) -> float:
    """Largest difference between two trees."""
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(reference), strict=True)
    return max(float(np.abs(ours - sign * wanted).max()) for ours, wanted in pairs)


def cosine(a, b) -> float:
    a, b = np.ravel(a), np.ravel(b)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
