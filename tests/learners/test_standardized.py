"""Standardized stimuli: what the inner learner meets."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from learners.easy import Easy
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.learners.standardized import FLOOR, Standardized
from metaplast.lifetime import live

TASK = Easy()


def met(amount: float) -> np.ndarray:
    """What a learner that stores everything has stored."""
    episode = TASK.sample(jax.random.key(0))
    learner = Standardized(NearestNeighbor(6, 3, 20), 6, amount)
    _, state = live(learner, TASK, episode, jax.random.key(0))
    return np.asarray(state.inner.stimuli), np.asarray(episode.stimuli)


def test_less_the_mean_of_what_came_before_at_unit_power():
    stored, x = met(1.0)
    means = np.stack([x[:t].mean(0) if t else np.zeros(6) for t in range(20)])
    surplus = x - means
    reference = surplus / np.sqrt((surplus**2).mean(1, keepdims=True) + FLOOR)
    assert np.abs(reference - x).max() > 0.1
    np.testing.assert_allclose(stored, reference, atol=1e-5)


def test_amount_zero_leaves_stimuli_alone():
    stored, x = met(0.0)
    assert np.abs(x).max() > 0.1
    np.testing.assert_array_equal(stored, x)


def test_predicting_does_not_shift_the_mean():
    learner = Standardized(NearestNeighbor(6, 3, 20), 6)
    born = learner.born(jax.random.key(0))
    state, _ = learner.moment(born, jnp.arange(6.0), jnp.asarray(0), TASK)
    again = learner.predict(state, jnp.ones(6))
    np.testing.assert_array_equal(again, learner.predict(state, jnp.ones(6)))
    assert float(state.count) == 1.0 and float(born.count) == 0.0
