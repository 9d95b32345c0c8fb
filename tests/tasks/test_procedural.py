"""Clusters have the covariance they claim, teachers label by one function per episode."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.tasks import Clusters, Teacher

QUICK = {"xla_backend_optimization_level": 0}
"""Compiled twice as fast, and run once."""


def drawn(task, seed=0):
    return jax.jit(lambda task, key: task.sample(key), compiler_options=QUICK)(
        task, jax.random.key(seed)
    )


def test_without_noise_every_example_is_a_center_and_nuisance_inputs_are_silent():
    task = Clusters(inputs=12, classes=3, modes=2, moments=60, nuisance=5, spread=0.0)
    episode = drawn(task)
    everything = np.concatenate([episode.stimuli, episode.test_stimuli])
    labels = np.concatenate([episode.targets, episode.test_targets])
    assert len(np.unique(everything, axis=0)) == 6
    for c in range(3):
        assert len(np.unique(everything[labels == c], axis=0)) == 2
    assert np.sum(np.all(everything == 0, axis=0)) == 5
    noisy = drawn(Clusters(inputs=12, classes=3, modes=2, moments=60, nuisance=5, spread=1.0))
    assert len(np.unique(noisy.stimuli, axis=0)) == 60
    assert not np.any(np.all(np.asarray(noisy.stimuli) == 0, axis=0))


def test_classes_share_the_covariance_of_the_world():
    task = Clusters(inputs=6, classes=2, modes=1, moments=20_000, nuisance=2, spread=2.0, rank=2)
    key = jax.random.key(5)
    world = task.world(jax.random.split(key, 3)[0])
    expected = (world.shared @ world.shared.T + jnp.diag(world.own**2)) * 4.0 / 5.0
    correlated = np.max(np.abs(expected - jnp.diag(jnp.diag(expected))))
    assert correlated > 0.2  # the low-rank part matters
    episode = drawn(task, 5)
    for c in range(2):
        found = np.cov(np.asarray(episode.stimuli)[np.asarray(episode.targets) == c].T)
        np.testing.assert_allclose(found, expected, atol=0.07)


@pytest.mark.parametrize("spread", [0.5, 4.0])
def test_an_input_has_about_unit_variance_at_any_spread(spread):
    task = Clusters(moments=100, nuisance=0, spread=spread, inputs=200, classes=20)
    stimuli = drawn(task).stimuli
    assert np.mean(np.square(stimuli)) == pytest.approx(1.0, abs=0.15)
    assert np.abs(np.mean(stimuli)) < 0.15


def ridge(stimuli, targets, classes):
    a = np.c_[stimuli, np.ones(len(stimuli))]
    return np.linalg.solve(a.T @ a + np.eye(a.shape[1]), a.T @ np.eye(classes)[targets])


@pytest.mark.parametrize("task", [Clusters(moments=1500), Teacher(moments=1500)], ids=str)
def test_life_and_test_are_of_one_world_and_lives_of_different_ones(task):
    first, other = drawn(task, 0), drawn(task, 1)
    x = np.c_[first.test_stimuli, np.ones(task.held_out)]

    def accuracy(life):
        weights = ridge(life.stimuli, life.targets, task.classes)
        return np.mean(np.argmax(x @ weights, -1) == first.test_targets)

    assert accuracy(first) > 0.4
    assert accuracy(other) < 0.25


def test_a_teacher_is_balanced_and_as_sparse_as_asked():
    episode = drawn(Teacher(moments=4000, density=0.2))
    share = np.bincount(episode.targets, minlength=10) / 4000
    assert share.min() > 0.03 and share.max() < 0.2
    stimuli = np.asarray(episode.stimuli)
    assert np.mean(stimuli != 0) == pytest.approx(0.2, abs=0.01)
    assert np.mean(stimuli**2) == pytest.approx(1.0, abs=0.05)
    assert np.all(np.asarray(drawn(Teacher(moments=50)).stimuli) != 0)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Clusters(moments=0), "moments = 0"),
        (lambda: Clusters(inputs=8, nuisance=8), "nuisance = 8: expected fewer than the 8 inputs"),
        (lambda: Clusters(nuisance=-1), "nuisance = -1"),
        (lambda: Clusters(spread=-0.5), "spread = -0.5"),
        (lambda: Clusters(spread=float("nan")), "spread = nan"),
        (lambda: Teacher(classes=0), "classes = 0"),
        (lambda: Teacher(density=0.0), "density = 0.0"),
        (lambda: Teacher(gain=-1.0), "gain = -1.0"),
    ],
)
def test_impossible_worlds_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
