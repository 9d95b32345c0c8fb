"""Feedback alignment with symmetric feedback is the negative gradient; with random feedback not."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.easy import Easy
from metaplast.learners.feedback_alignment import (
    direct_feedback_alignment,
    feedback_alignment,
    readout_only,
)

TASK = Easy()
HIDDEN = (5, 4)
FORWARD = ("input->hidden1", "hidden1->hidden2", "hidden2->output")


def step_and_gradient(network):
    """Change of every forward weight at one moment (rate 1), and the loss's gradient."""
    state = jax.jit(lambda key: network.born(key))(jax.random.key(0))
    stimulus, target = jnp.linspace(-1.0, 1.0, 6), jnp.asarray(2)
    after, _ = jax.jit(lambda s: network.moment(s, stimulus, target, TASK))(state)

    def loss(weights):
        layer = stimulus
        for name in FORWARD[:-1]:
            layer = jnp.tanh(weights[name] @ layer)
        return TASK.loss(weights[FORWARD[-1]] @ layer, target)

    gradient = jax.jit(jax.grad(loss))({name: state.weights[name] for name in FORWARD})
    steps = {name: after.weights[name] - state.weights[name] for name in FORWARD}
    return steps, gradient


def test_symmetric_feedback_is_the_negative_gradient():
    with jax.enable_x64(True):
        network = feedback_alignment(6, HIDDEN, 3, 1.0, feedback="symmetric")
        steps, gradient = step_and_gradient(network)
        for name in FORWARD:
            assert gradient[name].dtype == jnp.float64
            assert np.abs(gradient[name]).max() > 1e-3
            np.testing.assert_allclose(steps[name], -gradient[name], atol=1e-12)


@pytest.mark.parametrize("network", [feedback_alignment, direct_feedback_alignment])
def test_random_feedback_is_not(network):
    with jax.enable_x64(True):
        steps, gradient = step_and_gradient(network(6, HIDDEN, 3, 1.0))
        np.testing.assert_allclose(steps[FORWARD[-1]], -gradient[FORWARD[-1]], atol=1e-12)
        for name in FORWARD[:-1]:
            assert np.abs(steps[name] + gradient[name]).max() > 1e-3


def test_direct_feedback_comes_from_the_output_cells():
    circuit = direct_feedback_alignment(6, HIDDEN, 3).circuit
    assert {q.pre for q in circuit.projections if q.site == "apical"} == {"output"}
    circuit = feedback_alignment(6, HIDDEN, 3).circuit
    assert {q.pre for q in circuit.projections if q.site == "apical"} == {"hidden2", "output"}


def test_readout_only_changes_the_readout_only():
    steps, gradient = step_and_gradient(readout_only(6, HIDDEN, 3, 1.0))
    assert np.abs(gradient[FORWARD[-1]]).max() > 1e-3
    np.testing.assert_allclose(steps[FORWARD[-1]], -gradient[FORWARD[-1]], atol=1e-6)
    assert all(np.all(steps[name] == 0) for name in FORWARD[:-1])


def test_output_biases_learn_at_the_rate():
    network = feedback_alignment(6, HIDDEN, 3, 0.5)
    state = jax.jit(lambda key: network.born(key))(jax.random.key(0))
    after, readout = jax.jit(lambda s: network.moment(s, jnp.ones(6), jnp.asarray(0), TASK))(state)
    error = jax.nn.one_hot(0, 3) - jax.nn.softmax(readout)
    assert np.abs(error).max() > 0.1
    np.testing.assert_allclose(after.cells["output"].excitability, 0.5 * error, atol=1e-6)


def test_rate_may_be_an_array():
    @jax.jit
    def weight(rate):
        network = feedback_alignment(6, HIDDEN, 3, rate)
        state = network.born(jax.random.key(0))
        return network.moment(state, jnp.ones(6), jnp.asarray(0), TASK)[0].weights[FORWARD[0]]

    together = jax.vmap(weight)(jnp.asarray([0.01, 1.0]))
    assert np.abs(together[0] - together[1]).max() > 1e-3
    np.testing.assert_allclose(together[1], weight(1.0), atol=1e-6)
