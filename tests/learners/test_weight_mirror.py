"""Noise teaches the feedback weights to be proportional to the transposed forward weights."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from learners import plain
from metaplast.learners.perceptron import Perceptron, transposed
from metaplast.learners.weight_mirror import WeightMirror


@pytest.mark.parametrize(("phi", "factor"), [("tanh", 1.0), ("relu", 0.5)])
def test_feedback_becomes_proportional_to_the_forward_weights(phi, factor):
    learner = WeightMirror(Perceptron((6, 20, 15, 3), phi))
    born = learner.born(jax.random.key(0))

    @jax.jit
    def mirrored(feedback, key):
        def volley(back, key):
            return learner.mirrored(born.layers, back, key), None

        return jax.lax.scan(volley, feedback, jax.random.split(key, 200))[0]

    feedback = mirrored(born.feedback, jax.random.key(1))
    pairs = zip(born.feedback, feedback, transposed(born.layers), (factor, 1.0), strict=True)
    for before, after, forward, scale in pairs:
        assert abs(plain.cosine(before, forward)) < 0.4
        assert plain.cosine(after, forward) > 0.95
        size = np.linalg.norm(after) / np.linalg.norm(forward)
        assert size == pytest.approx(scale, rel=0.1)


def test_with_perfect_mirrors_the_way_forward_takes_the_negative_gradient():
    with jax.enable_x64(True):
        learner = WeightMirror(Perceptron((6, 5, 4, 3)), 1.0)
        state = learner.born(jax.random.key(0))
        layers = plain.biased(state.layers)
        gradient = plain.gradient(layers, plain.stimulus(), plain.TARGET, "tanh")
        after, step = plain.moved(
            learner, state._replace(layers=layers, feedback=transposed(layers))
        )
        plain.assert_equal(step, gradient, sign=-1.0)
        assert np.abs(after.feedback[0] - layers.weights[1].T).max() > 1e-3  # the noise went on
        _, step = plain.moved(learner, state._replace(layers=layers))
        assert plain.distance(step.weights[:-1], gradient.weights[:-1], -1.0) > 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"), [({"volleys": 0}, "volleys = 0"), ({"mirroring": 2.0}, "mirroring")]
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        WeightMirror(Perceptron((3, 2)), 0.1, **arguments)
