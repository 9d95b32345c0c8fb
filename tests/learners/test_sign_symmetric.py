"""Feedback has the signs of the forward weights at all moments; with their sizes it is backprop."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners import plain
from metaplast.learners.perceptron import Perceptron
from metaplast.learners.sign_symmetric import MAGNITUDES, SignSymmetric

NETWORK = Perceptron((6, 5, 4, 3))


def test_with_the_magnitudes_of_the_weights_it_is_the_negative_gradient():
    with jax.enable_x64(True):
        layers = plain.biased(NETWORK.born(jax.random.key(0)))
        reference = plain.gradient(layers, plain.stimulus(), plain.TARGET, "tanh")
        _, step = plain.moved(SignSymmetric(NETWORK, 1.0, "own"), layers)
        plain.assert_equal(step, reference, sign=-1.0)
        for magnitudes in MAGNITUDES[:2]:
            _, step = plain.moved(SignSymmetric(NETWORK, 1.0, magnitudes), layers)
            np.testing.assert_allclose(step.weights[-1], -reference.weights[-1], atol=1e-10)
            assert plain.distance(step.weights[:-1], reference.weights[:-1], -1.0) > 1e-3


@pytest.mark.parametrize("magnitudes", MAGNITUDES[:2])
def test_signs_follow_the_forward_weights_through_a_life(magnitudes):
    learner = SignSymmetric(NETWORK, 1.5, magnitudes)
    episode = plain.TASK.sample(jax.random.key(0))

    @jax.jit
    def lived(born):
        def moment(state, seen):
            x, target, key = seen
            before = [w.T for w in state.weights[1:]], learner.feedback(state, key)
            return learner.moment(state, x, target, plain.TASK, key)[0], before

        keys = jax.random.split(jax.random.key(1), plain.TASK.moments)
        return jax.lax.scan(moment, born, (episode.stimuli, episode.targets, keys))[1]

    forward, feedback = lived(learner.born(jax.random.key(2)))
    flips = [np.any(np.sign(forth[0]) != np.sign(forth[-1])) for forth in forward]
    assert any(flips)  # or else there is nothing to follow
    for forth, back in zip(forward, feedback, strict=True):
        np.testing.assert_array_equal(np.sign(forth), np.sign(back))
        steady = np.ptp(np.abs(back), axis=(0, 1, 2)) < 1e-6
        assert steady == (magnitudes == "uniform")
        assert np.sqrt(np.mean(back**2)) == pytest.approx(forth.shape[-2] ** -0.5, rel=0.2)


def test_unknown_magnitudes_are_refused():
    with pytest.raises(ValueError, match="magnitudes = 'fixed'"):
        SignSymmetric(NETWORK, 0.1, "fixed")


def test_a_grid_of_rates_runs_under_vmap():
    @jax.jit
    @jax.vmap
    def weights(rate):
        layers = NETWORK.born(jax.random.key(0))
        learner = SignSymmetric(NETWORK, rate)
        return learner.moment(layers, plain.stimulus(), jnp.asarray(0), plain.TASK)[0].weights[0]

    together = weights(jnp.asarray([0.01, 1.0]))
    assert np.abs(together[0] - together[1]).max() > 1e-3
