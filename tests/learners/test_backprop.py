"""Backprop takes the step of the gradient of a plain network."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from learners.easy import Easy
from metaplast.learners.backprop import Backprop

TASK = Easy()


def plain_loss(weights, biases, stimulus, target, phi, shortcut):
    """A network written anew, in the plainest way."""
    layers = [stimulus]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        layers.append(phi(jnp.sum(w * layers[-1][None, :], axis=1) + b))
    last = jnp.concatenate(layers) if shortcut else layers[-1]
    logits = jnp.sum(weights[-1] * last[None, :], axis=1) + biases[-1]
    return -jnp.log(jnp.exp(logits[target]) / jnp.sum(jnp.exp(logits)))


@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_step_is_the_negative_gradient(name, shortcut):
    phi = {"relu": lambda v: jnp.maximum(v, 0), "tanh": jnp.tanh}[name]
    with jax.enable_x64(True):
        learner = Backprop((6, 5, 4, 3), "sgd", 1.0, name, shortcut)
        state = learner.born(jax.random.key(0))
        stimulus, target = jnp.linspace(-1.0, 1.0, 6), jnp.asarray(2)
        after, _ = learner.moment(state, stimulus, target, TASK)
        gradient = jax.grad(plain_loss, (0, 1))(
            state.weights, state.biases, stimulus, target, phi, shortcut
        )
        for before, now, reference in zip(
            state.weights + state.biases,
            after.weights + after.biases,
            gradient[0] + gradient[1],
            strict=True,
        ):
            assert np.abs(reference).max() > 1e-3
            np.testing.assert_allclose(now - before, -reference, atol=1e-12)


def test_gradient_equals_finite_differences():
    with jax.enable_x64(True):
        learner = Backprop((6, 5, 3), "sgd", 1.0, "tanh")
        state = learner.born(jax.random.key(0))
        stimulus, target = jnp.linspace(-1.0, 1.0, 6), jnp.asarray(1)
        after, _ = learner.moment(state, stimulus, target, TASK)
        step = float((after.weights[0] - state.weights[0])[2, 4])

        def loss_at(shift):
            weights = [state.weights[0].at[2, 4].add(shift), state.weights[1]]
            readout = learner.predict(state._replace(weights=weights), stimulus)
            return float(TASK.loss(readout, target))

        slope = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5
        assert abs(slope) > 1e-3
        assert step == pytest.approx(-slope, rel=1e-6)


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_two_steps_are_those_of_optax(name):
    optimizer = {"momentum": optax.sgd(0.03, momentum=0.9), "adam": optax.adam(0.03)}[name]
    learner = Backprop((6, 5, 3), name, 0.03, "tanh")
    state = learner.born(jax.random.key(0))
    parameters = (state.weights, state.biases)
    memory = optimizer.init(parameters)
    for target in (1, 2):
        stimulus = jnp.linspace(-1.0, 1.0, 6) * target
        gradient = jax.grad(lambda p, x, t: plain_loss(*p, x, t, jnp.tanh, False))(
            parameters, stimulus, target
        )
        step, memory = optimizer.update(gradient, memory)
        parameters = optax.apply_updates(parameters, step)
        state, _ = learner.moment(state, stimulus, jnp.asarray(target), TASK)
    moved = np.abs(np.asarray(parameters[0][0] - learner.born(jax.random.key(0)).weights[0])).max()
    assert moved > 1e-3
    np.testing.assert_allclose(state.weights[0], parameters[0][0], atol=1e-6)


def test_a_grid_of_rates_runs_under_vmap():
    episode = TASK.sample(jax.random.key(0))

    @jax.jit
    def weights_after(rate):
        learner = Backprop((6, 4, 3), "adam", rate)
        state = learner.born(jax.random.key(1))
        return learner.moment(state, episode.stimuli[0], episode.targets[0], TASK)[0].weights[0]

    together = jax.vmap(weights_after)(jnp.asarray([0.001, 0.1]))
    assert np.abs(together[0] - together[1]).max() > 0.01
    np.testing.assert_allclose(together[1], weights_after(0.1), atol=1e-6)


def test_birth_variance_is_he_for_relu_and_lecun_for_tanh():
    for name, gain in [("relu", 2.0), ("tanh", 1.0)]:
        weights = Backprop((400, 300, 10), nonlinearity=name).born(jax.random.key(0)).weights
        assert float(weights[0].var() * 400) == pytest.approx(gain, rel=0.05)
        assert float(weights[1].var() * 300) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": (3,)}, "sizes"),
        ({"sizes": (3, 2), "optimizer": "lion"}, "optimizer = 'lion'"),
        ({"sizes": (3, 2), "nonlinearity": "sine"}, "nonlinearity = 'sine'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Backprop(**arguments)


def test_shortcut_adds_the_missing_connections():
    plain, dense = Backprop((6, 5, 4, 3)), Backprop((6, 5, 4, 3), shortcut=True)
    assert plain.synapses == 6 * 5 + 5 * 4 + 4 * 3
    assert dense.synapses == plain.synapses + (6 + 5) * 3
    assert dense.born(jax.random.key(0)).weights[-1].shape == (3, 15)
