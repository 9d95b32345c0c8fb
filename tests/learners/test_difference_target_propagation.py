"""Targets through exact inverses are those of Gauss-Newton, and no error means no change."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners import plain
from metaplast.learners.difference_target_propagation import DifferenceTargetPropagation
from metaplast.learners.perceptron import Layers, Perceptron

SQUARE = Perceptron((4, 4, 4, 4, 3), "linear")


def test_exact_inverses_give_targets_that_the_layers_above_would_meet():
    with jax.enable_x64(True):
        learner = DifferenceTargetPropagation(SQUARE, 1.0)
        state = learner.born(jax.random.key(0))
        weights = state.layers.weights
        state = state._replace(
            layers=plain.biased(state.layers),
            inverses=Layers([jnp.linalg.inv(w) for w in weights[1:-1]], [jnp.zeros(4)] * 2),
        )
        sweep = SQUARE.sweep(state.layers, plain.stimulus(4))
        error = jax.nn.one_hot(plain.TARGET, 3, dtype=float) - jax.nn.softmax(sweep.readout)
        targets = learner.targets(state, sweep, error)
        np.testing.assert_allclose(
            targets[-1] - sweep.heard[-1], learner.reach * weights[-1].T @ error, atol=1e-12
        )
        for layer in (1, 2):
            reached = weights[layer] @ targets[layer - 1] + state.layers.biases[layer]
            assert np.abs(targets[layer] - sweep.heard[layer + 1]).max() > 1e-2
            np.testing.assert_allclose(reached, targets[layer], atol=1e-10)
        # Gauss-Newton: what each layer must do for the last hidden one to move as wanted.
        _, step = plain.moved(learner, state)
        wanted = weights[-1].T @ error
        for layer in (0, 1, 2):
            through = np.eye(4)
            for weight in weights[layer + 1 : -1]:
                through = weight @ through
            newton = np.linalg.solve(through, wanted)
            assert np.abs(newton).max() > 1e-2
            np.testing.assert_allclose(
                step.weights[layer], np.outer(newton, sweep.heard[layer]), atol=1e-10
            )
        gradient = plain.gradient(state.layers, plain.stimulus(4), plain.TARGET, "linear")
        assert np.abs(step.weights[0] + gradient.weights[0]).max() > 1e-2


def test_simplified_targets_come_through_the_inverse_of_the_output():
    network = Perceptron((4, 4, 4), "linear")
    with jax.enable_x64(True):
        learner = DifferenceTargetPropagation(network, 1.0, simplified=True)
        state = learner.born(jax.random.key(0))
        weight = state.layers.weights[-1]
        assert [w.shape for w in state.inverses.weights] == [(4, 4)]
        state = state._replace(inverses=Layers([jnp.linalg.inv(weight)], [jnp.zeros(4)]))
        sweep = network.sweep(state.layers, plain.stimulus(4))
        error = jax.nn.one_hot(plain.TARGET, 4, dtype=float) - jax.nn.softmax(sweep.readout)
        (target,) = learner.targets(state, sweep, error)
        moved = target - sweep.heard[-1]
        assert np.abs(error).max() > 0.1
        np.testing.assert_allclose(weight @ moved, learner.reach * error, atol=1e-12)
        assert np.abs(moved - learner.reach * weight.T @ error).max() > 1e-2  # nothing transported


def test_the_inverse_of_the_output_learns():
    network = Perceptron((6, 3, 3))
    learner = DifferenceTargetPropagation(network, 0.0, 0.2, simplified=True)
    state = learner.born(jax.random.key(0))
    sweep = network.sweep(state.layers, plain.stimulus())

    def missed(state):
        told = jax.nn.softmax(sweep.readout)
        return float(jnp.mean((learner.inverse(state.inverses, 0, told) - sweep.heard[-1]) ** 2))

    step = jax.jit(lambda s, k: learner.moment(s, plain.stimulus(), jnp.asarray(0), plain.TASK, k))
    later = state
    for number in range(200):
        later, _ = step(later, jax.random.key(number))
    assert missed(state) > 0.1 and missed(later) < 0.1 * missed(state)
    plain.assert_equal(later.layers.weights, state.layers.weights, 1e-6)


@pytest.mark.parametrize("simplified", [False, True])
def test_no_error_no_change(simplified):
    learner = DifferenceTargetPropagation(Perceptron((6, 5, 4, 3)), 1.0, simplified=simplified)
    state = learner.born(jax.random.key(0))
    after, step = plain.moved(learner, state, task=plain.Gentle(truth=0.0))
    assert max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(step)) < 1e-6
    assert np.abs(after.inverses.weights[0] - state.inverses.weights[0]).max() > 1e-4
    _, step = plain.moved(learner, state)
    assert np.abs(step.weights[0]).max() > 1e-2


def test_with_one_hidden_layer_it_is_the_negative_gradient():
    with jax.enable_x64(True):
        learner = DifferenceTargetPropagation(Perceptron((6, 5, 3)), 1.0)
        state = learner.born(jax.random.key(0))
        reference = plain.gradient(state.layers, plain.stimulus(), plain.TARGET, "tanh")
        _, step = plain.moved(learner, state)
        plain.assert_equal(step, reference, sign=-1.0)


def test_inverses_learn_to_invert():
    network = Perceptron((6, 8, 8, 3))
    learner = DifferenceTargetPropagation(network, 0.0, 0.1)
    born = learner.born(jax.random.key(0))

    @jax.jit
    def lived(state, keys):
        def moment(state, key):
            x = jax.random.normal(jax.random.fold_in(key, 0), (6,))
            return learner.moment(state, x, jnp.asarray(0), plain.TASK, key)[0], None

        return jax.lax.scan(moment, state, keys)[0]

    @jax.jit
    def missed(inverses, x):
        said = network.sweep(born.layers, x).heard
        return jnp.mean((learner.inverse(inverses, 0, said[2]) - said[1]) ** 2)

    old = lived(born, jax.random.split(jax.random.key(1), 1000))
    xs = jax.random.normal(jax.random.key(2), (50, 6))
    at_birth, later = (
        float(jax.vmap(lambda x, g=g: missed(g, x))(xs).mean())
        for g in (born.inverses, old.inverses)
    )
    assert at_birth > 0.1 and later < 0.3 * at_birth
    plain.assert_equal(old.layers.weights, born.layers.weights, 1e-6)


def test_reach_must_be_positive():
    with pytest.raises(ValueError, match="reach = 0"):
        DifferenceTargetPropagation(SQUARE, reach=0.0)
