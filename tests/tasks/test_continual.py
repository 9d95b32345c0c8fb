"""Worlds that change within a life: how they change, and what is lost by it."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.bench import forgetting
from metaplast.learners.backprop import Backprop
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.tasks import ClassIncremental, Clusters, Drifting, PixelNoise
from metaplast.types import Episode, Life
from tasks.lives import QUICK, lived, many

INNER = Clusters(inputs=8, classes=6, moments=60, held_out=30, nuisance=0, spread=0.5, modes=1)


def both(task, seed=0):
    """An episode of a wrapper, and the inner one that it was made of."""
    inner_key, change_key = jax.random.split(jax.random.key(seed))
    inner = _inner(inner_key)
    return task.change(inner, change_key), inner


@functools.cache
def _inner_sampler():
    return jax.jit(INNER.sample, compiler_options=QUICK)


def _inner(key):
    return _inner_sampler()(key)


# -- drift -----------------------------------------------------------------------------


def test_half_a_turn_in_all_planes_changes_all_signs():
    changed, inner = both(Drifting(INNER, math.pi))
    assert np.abs(inner.stimuli).min(axis=1).max() > 0.01
    np.testing.assert_allclose(changed.stimuli[0], inner.stimuli[0], atol=1e-5)  # not yet
    np.testing.assert_allclose(changed.stimuli[-1], -inner.stimuli[-1], atol=1e-5)
    np.testing.assert_allclose(changed.test_stimuli, -inner.test_stimuli, atol=1e-5)
    np.testing.assert_array_equal(changed.targets, inner.targets)


@pytest.mark.parametrize(("angle", "planes"), [(1.0, None), (2.5, 1), (0.7, 3)])
def test_drift_turns_by_its_angle_and_keeps_lengths(angle, planes):
    changed, inner = both(Drifting(INNER, angle, planes))
    lengths = np.linalg.norm(inner.test_stimuli, axis=1)
    assert lengths.min() > 0.1
    np.testing.assert_allclose(np.linalg.norm(changed.test_stimuli, axis=1), lengths, rtol=1e-4)
    # One rotation for all of a moment: it is the linear map that fits them, and its eigenvalues
    # are exp(±i angle) in the planes that turn and 1 in the others.
    turn = np.linalg.lstsq(inner.test_stimuli, changed.test_stimuli, rcond=None)[0]
    found = np.sort(np.abs(np.angle(np.linalg.eigvals(turn))))
    turning = 2 * (4 if planes is None else planes)
    np.testing.assert_allclose(found, [0.0] * (8 - turning) + [angle] * turning, atol=1e-3)


def test_drift_is_steady_and_none_at_angle_zero():
    inner = Episode(jnp.ones((5, 2)), jnp.zeros(5, int), jnp.ones((1, 2)), jnp.zeros(1, int))
    task = Drifting(Clusters(inputs=2, moments=5, nuisance=0, held_out=1), 2.0)
    seen = np.asarray(task.change(inner, jax.random.key(0)).stimuli)
    angles = np.unwrap(np.arctan2(seen[:, 1], seen[:, 0]))
    np.testing.assert_allclose(np.abs(np.diff(angles)), 0.5, atol=1e-5)
    still, before = both(Drifting(INNER, 0.0))
    np.testing.assert_allclose(still.stimuli, before.stimuli, atol=1e-5)


def test_an_old_mean_misleads_in_a_world_that_turned():
    def accuracy(angle):
        return lived(Drifting(INNER, angle), NearestClassMean(8, 6), 20).correct[:, 30:].mean()

    assert accuracy(0.0) > 0.9 and accuracy(3.0) < 0.7


# -- classes in stages -----------------------------------------------------------------


@pytest.mark.parametrize("stages", [1, 3, 4, 6])
def test_stages_hold_the_same_examples_in_another_order(stages):
    changed, inner = both(ClassIncremental(INNER, stages), 3)
    rows = {row.tobytes(): int(y) for row, y in zip(*_arrays(inner), strict=True)}
    assert len(rows) == 60
    assert {row.tobytes(): int(y) for row, y in zip(*_arrays(changed), strict=True)} == rows
    np.testing.assert_array_equal(changed.test_stimuli, inner.test_stimuli)
    np.testing.assert_array_equal(changed.test_targets, inner.test_targets)
    # Classes come in groups, each of which ends before the next begins.
    targets = np.asarray(changed.targets)
    first = {c: np.flatnonzero(targets == c)[0] for c in range(6)}
    last = {c: np.flatnonzero(targets == c)[-1] for c in range(6)}
    order = sorted(range(6), key=lambda c: first[c])
    sizes = np.bincount(np.arange(6) * stages // 6)
    groups = np.split(np.array(order), np.cumsum(sizes)[:-1])
    for earlier, later in itertools.pairwise(groups):
        assert max(last[c] for c in earlier) < min(first[c] for c in later)
    if stages == 1:
        np.testing.assert_array_equal(changed.stimuli, inner.stimuli)


def _arrays(episode):
    return np.asarray(episode.stimuli), np.asarray(episode.targets)


def test_which_classes_come_first_is_drawn():
    task = ClassIncremental(INNER, 6)
    assert {*many(task, 40).targets[:, 0].tolist()} == set(range(6))


def test_forgetting_of_a_life_computed_by_hand():
    targets = np.array([1, 1, 1, 1, 0, 0, 2, 2])  # in three stages: 1, then 0, then 2
    correct = jnp.array([0, 0, 1, 1, 0, 1, 0, 1], bool)
    life = Life(correct, jnp.zeros(8), jnp.asarray(False), jnp.asarray(8))
    asked = np.array([0, 0, 1, 1, 2, 2])
    answers = np.eye(3)[[0, 2, 2, 2, 2, 2]]
    episode = Episode(np.zeros((8, 1)), targets, np.zeros((6, 1)), asked)
    found = forgetting(life, episode, answers, stages=3)
    # Class 1: later half 1 1, kept 0 of 2; class 0: later half 1, kept 1 of 2.
    assert (found.learned, found.kept, found.latest, found.lost) == (1.0, 0.25, 1.0, 0.75)
    # In two stages the groups are {1, 0} and {2}, the same classes are earlier.
    assert forgetting(life, episode, answers, stages=2) == found
    silent = np.where(np.arange(6)[:, None] == 0, np.nan, answers)  # it would name class 0
    assert forgetting(life, episode, silent, stages=3).kept == 0.0
    for arguments, says in (
        ((life, episode, answers, 1), "stages = 1: expected 2 to 3"),
        ((life, episode, answers[:3], 3), "readouts: shape"),
        ((life, episode, np.eye(4)[[0] * 6], 3), "episode: 3 classes in the life, expected all 4"),
    ):
        with pytest.raises(ValueError, match=says):
            forgetting(*arguments)


def test_means_keep_what_gradient_descent_forgets():
    """The classes interfere through shared weights of a network, not through means."""
    task = ClassIncremental(PixelNoise(INNER, 0.2), 3)

    def lost(learner):
        found = lived(task, learner, 10)
        parts = (found.life, found.episode, found.readouts)
        each = [jax.tree.map(lambda a, i=i: a[i], parts) for i in range(10)]
        return np.mean([forgetting(*one, stages=3).lost for one in each])

    assert lost(Backprop((8, 32, 6), "sgd", 0.3)) > 0.4
    assert lost(NearestClassMean(8, 6)) < 0.15


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Drifting(INNER, float("nan")), "angle = nan"),
        (lambda: Drifting(INNER, tested=1.5), "tested = 1.5: expected 0 to 1"),
        (lambda: Drifting(INNER, 1.0, 0), "planes = 0"),
        (lambda: Drifting(INNER, 1.0, 5), "planes = 5: expected at most 4"),
        (lambda: Drifting(Clusters(inputs=1, nuisance=0)), "task: 1 input"),
        (lambda: ClassIncremental(INNER, 0), "stages = 0"),
        (lambda: ClassIncremental(INNER, 7), "stages = 7: expected at most 6"),
    ],
)
def test_impossible_changes_are_refused_in_one_line(make, says):
    with pytest.raises(ValueError, match=says) as fault:
        make()
    assert "\n" not in str(fault.value)
