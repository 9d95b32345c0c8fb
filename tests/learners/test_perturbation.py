"""Learners that are told one number: in expectation over their noise they follow the gradient."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners import plain
from metaplast.learners.node_perturbation import NodePerturbation
from metaplast.learners.perceptron import Perceptron
from metaplast.learners.reinforce import Reinforce, RewardedState
from metaplast.learners.weight_perturbation import WeightPerturbation
from metaplast.tasks import DelayedReward, Reinforced

NETWORK = Perceptron((3, 4, 2))
TARGET = 1
SAMPLES = 20000


def born():
    return plain.biased(NETWORK.born(jax.random.key(0)))


def sampled(learner, state):
    """Mean change over many draws of the noise, and its standard error."""

    @jax.jit
    @jax.vmap
    def step(key):
        x = plain.stimulus(3)
        after, _ = learner.moment(
            state, x, jnp.asarray(TARGET), plain.Easy(inputs=3, classes=2), key
        )
        return jax.tree.map(jnp.subtract, plain.state_layers(after), plain.state_layers(state))

    with jax.enable_x64(True):
        steps = step(jax.random.split(jax.random.key(1), SAMPLES))
    flat = np.concatenate([np.reshape(leaf, (SAMPLES, -1)) for leaf in jax.tree.leaves(steps)], 1)
    return flat.mean(0), flat.std(0) / SAMPLES**0.5


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def assert_expected(learner, state, reference):
    mean, error = sampled(learner, state)
    assert np.abs(reference).max() > 0.1 and np.abs(mean / error).max() > 20
    assert np.abs((mean - reference) / error).max() < 5
    assert np.abs((mean - 1.2 * reference) / error).max() > 5  # the samples would tell
    assert np.abs((mean + reference) / error).max() > 20


@pytest.mark.parametrize("kind", [NodePerturbation, WeightPerturbation])
def test_expected_change_is_the_negative_gradient(kind):
    with jax.enable_x64(True):
        gradient = plain.gradient(born(), plain.stimulus(3), TARGET, "tanh")
        assert_expected(kind(NETWORK, 1.0, 1e-3), born(), -flat(gradient))


@pytest.mark.parametrize("expected", [0.0, 0.4])
def test_expected_change_is_the_gradient_of_the_probability_of_being_right(expected):
    with jax.enable_x64(True):

        def reward(layers):
            logits = plain.readout(layers, plain.stimulus(3), "tanh")
            return jnp.exp(logits[TARGET]) / jnp.sum(jnp.exp(logits))

        state = RewardedState(born(), jnp.asarray(expected))
        reference = 3.0 * flat(jax.grad(reward)(born()))
        assert_expected(Reinforce(NETWORK, 3.0), state, reference)


def test_reward_is_all_that_is_told():
    """A newborn expects nothing; it changes if it drew the wanted answer, and only then."""
    learner = Reinforce(NETWORK, 1.0)
    state, task = learner.born(jax.random.key(0)), plain.Easy(inputs=3, classes=2)

    @jax.jit
    @jax.vmap
    def step(key):
        after, _ = learner.moment(state, plain.stimulus(3), jnp.asarray(0), task, key)
        moved = jnp.abs(after.layers.biases[-1] - state.layers.biases[-1]).max()
        return after.expected, moved

    expected, moved = map(np.asarray, step(jax.random.split(jax.random.key(5), 40)))
    paid = expected > 0
    assert 0 < paid.sum() < 40
    np.testing.assert_allclose(expected[paid], learner.smoothing)
    assert np.all(moved[paid] > 1e-3) and np.all(moved[~paid] == 0)


@pytest.mark.parametrize("hears", ["nothing", "answer"])
def test_a_world_that_only_rewards_pays_for_the_answer_that_was_drawn(hears):
    """Just what is told where the target is: the same moment, bit for bit, whatever was drawn."""
    learner, plainly = Reinforce(NETWORK, 1.0), plain.Easy(inputs=3, classes=2)
    state = learner.born(jax.random.key(0))

    def after(task):
        def step(key):
            return learner.moment(state, plain.stimulus(3), jnp.asarray(0), task, key)[0]

        return jax.jit(jax.vmap(step))(jax.random.split(jax.random.key(5), 40))

    found, wanted = after(Reinforced(plainly, hears=hears)), after(plainly)
    assert 0 < (wanted.expected > 0).sum() < 40
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    double = after(Reinforced(plainly, right=2.0, hears=hears))
    np.testing.assert_array_equal(double.expected, 2.0 * wanted.expected)
    late = DelayedReward(plainly, 1, hears=hears).recalled(jnp.asarray([3.0]))
    np.testing.assert_allclose(after(late).expected, 3.0 * learner.smoothing)


@pytest.mark.parametrize("kind", [NodePerturbation, WeightPerturbation])
def test_noise_must_be_positive(kind):
    with pytest.raises(ValueError, match="noise = 0"):
        kind(NETWORK, 0.1, 0.0)
