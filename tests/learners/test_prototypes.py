"""Nearest class mean and 1-nearest-neighbor against NumPy."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from learners.easy import Easy
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.lifetime import live
from metaplast.lifetime import test_accuracy as held_out_accuracy

TASK = Easy(moments=60, noise=1.5)


@pytest.fixture(scope="module")
def episode():
    return TASK.sample(jax.random.key(3))


def arrays(episode):
    return [np.asarray(part) for part in episode]


def by_mean(x, y, stimulus):
    classes = np.unique(y)
    means = np.stack([x[y == c].mean(0) for c in classes])
    return classes[((means - stimulus) ** 2).sum(1).argmin()]


def by_neighbor(x, y, stimulus):
    return y[((x - stimulus) ** 2).sum(1).argmin()]


CASES = [
    (NearestClassMean(6, 3), by_mean),
    (NearestNeighbor(6, 3, 60), by_neighbor),
]


@pytest.mark.parametrize(("learner", "reference"), CASES)
def test_agrees_with_numpy_at_every_moment(learner, reference, episode):
    life, state = live(learner, TASK, episode, jax.random.key(0))
    x, y, test_x, test_y = arrays(episode)
    expected = [False if t == 0 else reference(x[:t], y[:t], x[t]) == y[t] for t in range(60)]
    expected[0] = y[0] == 0  # a newborn answers all zeros, of which the first is the largest
    assert 0 < sum(expected) < 60
    np.testing.assert_array_equal(np.asarray(life.correct), expected)
    test = np.mean([reference(x, y, s) == t for s, t in zip(test_x, test_y, strict=True)])
    assert test > 0
    assert float(held_out_accuracy(learner, state, episode)) == pytest.approx(test)


def test_the_two_references_differ(episode):
    x, y, test_x, _ = arrays(episode)
    assert any(by_mean(x, y, s) != by_neighbor(x, y, s) for s in test_x)


def test_a_full_memory_forgets_the_oldest(episode):
    small = NearestNeighbor(6, 3, 5)
    _, state = live(small, TASK, episode, jax.random.key(0))
    kept = {tuple(row) for row in np.asarray(state.stimuli).tolist()}
    assert kept == {tuple(row) for row in np.asarray(episode.stimuli[-5:]).tolist()}


def test_stimuli_of_any_scale_stay_within_bounds(episode):
    loud = episode._replace(stimuli=episode.stimuli * 1e4, test_stimuli=episode.test_stimuli * 1e4)
    for learner, _ in CASES:
        quiet_life, _ = live(learner, TASK, episode, jax.random.key(0))
        life, _ = live(learner, TASK, loud, jax.random.key(0))
        assert not bool(life.exploded)
        assert np.mean(np.asarray(life.correct) == np.asarray(quiet_life.correct)) > 0.95


def test_capacity_must_be_positive():
    with pytest.raises(ValueError, match="capacity = 0"):
        NearestNeighbor(6, 3, 0)
