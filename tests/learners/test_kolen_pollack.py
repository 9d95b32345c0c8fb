"""Feedback forgets where it began at exactly the rate of the decay, whatever is learned."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners import plain
from metaplast.learners.kolen_pollack import KolenPollack
from metaplast.learners.perceptron import Perceptron, transposed
from metaplast.lifetime import live

NETWORK = Perceptron((6, 5, 4, 3))


@pytest.mark.parametrize("decay", [0.1, 0.0])
def test_the_difference_to_the_forward_weights_decays(decay):
    with jax.enable_x64(True):
        learner = KolenPollack(NETWORK, 0.3, decay)
        episode = jax.tree.map(
            lambda a: a.astype(float) if a.dtype == jnp.float32 else a,
            plain.TASK.sample(jax.random.key(0)),
        )
        born = learner.born(jax.random.split(jax.random.key(1))[0])
        _, last = jax.jit(lambda e: live(learner, plain.TASK, e, jax.random.key(1)))(episode)
        kept = (1 - decay) ** plain.TASK.moments
        for k in range(2):
            first = born.feedback[k] - born.layers.weights[k + 1].T
            left = last.feedback[k] - last.layers.weights[k + 1].T
            assert np.abs(first).max() > 0.5
            assert np.abs(last.layers.weights[k + 1] - born.layers.weights[k + 1]).max() > 0.1
            np.testing.assert_allclose(left, kept * first, atol=1e-12)


def test_with_symmetric_feedback_it_is_the_gradient_with_decay():
    with jax.enable_x64(True):
        born = KolenPollack(NETWORK, 1.0, 0.25).born(jax.random.key(0))
        layers = plain.biased(born.layers)
        state = born._replace(layers=layers, feedback=transposed(layers))
        gradient = plain.gradient(layers, plain.stimulus(), plain.TARGET, "tanh")
        _, step = plain.moved(KolenPollack(NETWORK, 1.0, 0.25), state)
        decayed = [-g - 0.25 * w for g, w in zip(gradient.weights, layers.weights, strict=True)]
        plain.assert_equal(
            step, gradient._replace(weights=decayed, biases=[-b for b in gradient.biases])
        )
        _, step = plain.moved(KolenPollack(NETWORK, 1.0, 0.0), born._replace(layers=layers))
        assert plain.distance(step.weights[:-1], gradient.weights[:-1], -1.0) > 1e-3
