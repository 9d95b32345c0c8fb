"""Every exported task keeps the contract: a new one is tested by being exported."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import metaplast.tasks as tasks
from metaplast.tasks import AbstractTask, Clusters, Dataset, Teacher

QUICK = {"xla_backend_optimization_level": 0}
"""Compiled twice as fast, and run once."""

MOMENTS, HELD_OUT = 12, 7
NO_TASKS = {"AbstractTask", "AbstractWrapper", "named", "with_moments"}


def small(**sizes) -> Clusters:
    return Clusters(
        inputs=9, classes=4, moments=MOMENTS, held_out=HELD_OUT, nuisance=2, rank=2, **sizes
    )


def dataset() -> Dataset:
    """30 + 10 examples of 4 classes."""
    x = np.random.default_rng(0).uniform(size=(40, 9))
    y = np.arange(40) % 4
    return Dataset(x[:30], y[:30], x[30:], y[30:], moments=MOMENTS, held_out=HELD_OUT)


def from_file(folder):
    made, path = dataset(), folder / "own.npz"
    arrays = {k: np.asarray(getattr(made, k)) for k in ("x_train", "y_train", "x_test", "y_test")}
    np.savez(path, **arrays)
    return path


EXAMPLES = {
    "Clusters": lambda folder: small(),
    "ClassSubset": lambda folder: tasks.ClassSubset(dataset(), 3),
    "Dataset": lambda folder: dataset(),
    "LabelPermutation": lambda folder: tasks.LabelPermutation(dataset()),
    "Mixture": lambda folder: tasks.Mixture((small(), dataset()), weights=(1.0, 2.0)),
    "PixelNoise": lambda folder: tasks.PixelNoise(dataset(), 0.1),
    "PixelPermutation": lambda folder: tasks.PixelPermutation(dataset()),
    "Padding": lambda folder: tasks.Padding(dataset(), dataset().inputs + 2),
    "RandomProjection": lambda folder: tasks.RandomProjection(dataset(), 5),
    "Resize": lambda folder: tasks.Resize(dataset(), 2),
    "Teacher": lambda folder: Teacher(
        inputs=9, classes=4, moments=MOMENTS, held_out=HELD_OUT, hidden=5, density=0.5
    ),
    "arrays": lambda folder: tasks.arrays(from_file(folder), MOMENTS, HELD_OUT),
    "digits": lambda folder: tasks.digits(MOMENTS, HELD_OUT),
    "mnist1d": lambda folder: tasks.mnist1d(MOMENTS, HELD_OUT),
}


@functools.partial(jax.jit, compiler_options=QUICK)
def sample(task, keys):
    """One episode for each key."""
    return jax.vmap(task.sample)(keys)


def keys(*seeds):
    return jnp.stack([jax.random.key(seed) for seed in seeds])


def test_every_exported_task_has_an_example_here():
    assert set(tasks.__all__) - NO_TASKS == set(EXAMPLES)
    assert all(hasattr(tasks, name) for name in tasks.__all__)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_contract(name, tmp_path):
    task = EXAMPLES[name](tmp_path)
    assert isinstance(task, AbstractTask) and task.name
    assert (task.moments, task.held_out) == (MOMENTS, HELD_OUT)

    lives = sample(task, keys(3, 4))
    assert lives.stimuli.shape == (2, MOMENTS, task.inputs)
    assert lives.targets.shape == (2, MOMENTS)
    assert lives.test_stimuli.shape == (2, HELD_OUT, task.inputs)
    assert lives.test_targets.shape == (2, HELD_OUT)
    for stimuli in (lives.stimuli, lives.test_stimuli):
        assert stimuli.dtype == jnp.float32
        assert np.isfinite(stimuli).all() and np.std(stimuli) > 0
    for targets in (lives.targets, lives.test_targets):
        assert jnp.issubdtype(targets.dtype, jnp.integer)
        assert np.min(targets) >= 0 and np.max(targets) < task.classes
        assert len(np.unique(targets)) > 1

    # Same key, same bits, whoever else is in the batch; another key, another life.
    for here, again, swapped in zip(
        lives, sample(task, keys(3, 4)), sample(task, keys(4, 3)), strict=True
    ):
        np.testing.assert_array_equal(here, again)
        np.testing.assert_array_equal(here, swapped[::-1])
    assert not np.array_equal(lives.stimuli[0], lives.stimuli[1])
    assert not np.array_equal(lives.targets[0], lives.targets[1])


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_teaching_names_the_target_and_only_it(name, tmp_path):
    task = EXAMPLES[name](tmp_path)
    readout = jnp.arange(task.classes, dtype=jnp.float32)
    best = task.classes - 1
    right, wrong = task.teach(readout, jnp.asarray(best)), task.teach(readout, jnp.asarray(0))
    np.testing.assert_array_equal(right.signal, np.eye(task.classes)[best])
    np.testing.assert_array_equal(wrong.signal, np.eye(task.classes)[0])
    assert (right.modulator[0], wrong.modulator[0]) == (0.0, 1.0)
    difference = task.loss(readout, jnp.asarray(0)) - task.loss(readout, jnp.asarray(best))
    assert difference == pytest.approx(best) and best > 0
