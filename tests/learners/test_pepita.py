"""The second sweep hears the stimulus and the projected error; layers learn the difference."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from learners import plain
from metaplast.learners.pepita import Pepita
from metaplast.learners.perceptron import Perceptron

NETWORK = Perceptron((6, 5, 4, 3))


def born(strength=0.5):
    state = Pepita(NETWORK, 1.0, strength).born(jax.random.key(0))
    return state._replace(layers=plain.biased(state.layers))


def test_changes_are_those_of_the_paper():
    with jax.enable_x64(True):
        state, x = born(), plain.stimulus()
        f, (weights, biases) = np.asarray(state.projection), state.layers
        wanted = np.eye(3)[plain.TARGET]

        def swept(heard):
            said = [heard]
            for w, b in zip(weights[:-1], biases[:-1], strict=True):
                said.append(np.tanh(np.asarray(w) @ said[-1] + np.asarray(b)))
            logits = np.asarray(weights[-1]) @ said[-1] + np.asarray(biases[-1])
            return said, np.exp(logits) / np.exp(logits).sum()

        said, answer = swept(np.asarray(x))
        again, second = swept(np.asarray(x) + f @ (answer - wanted))
        assert np.abs(again[0] - said[0]).max() > 0.05
        errors = [again[1] - said[1], again[2] - said[2], wanted - second]
        _, step = plain.moved(Pepita(NETWORK, 1.0, 0.5), state)
        expected = [np.outer(e, h) for e, h in zip(errors, again, strict=True)]
        plain.assert_equal(step.weights, expected)
        plain.assert_equal(step.biases, errors)


def test_weak_modulation_is_feedback_through_the_first_weights():
    r"""$\tilde h - h$ becomes $\phi' \circ W F e$."""
    with jax.enable_x64(True):
        state, x = born(1e-5), plain.stimulus()
        sweep = NETWORK.sweep(state.layers, x)
        error = jax.nn.softmax(sweep.readout) - jax.nn.one_hot(plain.TARGET, 3, dtype=float)
        first = state.layers.weights[0]
        slope = 1 - jnp.tanh(sweep.drives[0]) ** 2
        expected = jnp.outer(slope * (first @ (state.projection @ error)), x) / 1e-5
        _, step = plain.moved(Pepita(NETWORK, 1.0), state)
        plain.assert_equal([step.weights[0] / 1e-5], [expected], 1e-4)


def test_no_error_no_change():
    learner, state = Pepita(NETWORK, 1.0), born()
    after, step = plain.moved(learner, state, task=plain.Gentle(truth=0.0))
    assert max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(step)) < 1e-6
    np.testing.assert_array_equal(after.projection, state.projection)
    assert np.abs(plain.moved(learner, state)[1].weights[0]).max() > 1e-3


def test_strength_bounds_the_projection():
    projection = np.abs(born(0.05).projection)
    bound = 0.05 * (6 / 6) ** 0.5
    assert 0.8 * bound < projection.max() <= bound
