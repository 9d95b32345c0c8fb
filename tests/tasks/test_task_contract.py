"""Every exported task keeps the contract: a new one is tested by being exported."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import tasks
from metaplast.tasks import AbstractTask, Clusters, Dataset, Teacher
from tasks import small_files
from tasks.hub_library import NO_HUB

QUICK = {"xla_backend_optimization_level": 0}
"""Compiled twice as fast, and run once."""

MOMENTS, HELD_OUT = 12, 7
NO_TASKS = {"AbstractTask", "AbstractWrapper", "named"}
SIZES = {"FewShot": (8, 12), "DelayedMatch": (14, HELD_OUT), "InSteps": (36, 21)}
"""Moments and held-out examples of tasks whose lives have a form of their own."""
OTHER_TEACHING = {"DelayedReward", "Reinforced"}
"""Tasks that tell something else than the target; each has a test of its own."""


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


def from_hub(folder):
    pytest.importorskip("datasets", reason=NO_HUB)
    path = small_files.hub_folder(folder)
    return tasks.hub(str(path), size=4, moments=MOMENTS, held_out=HELD_OUT)


EXAMPLES = {
    "ClassIncremental": lambda folder: tasks.ClassIncremental(dataset(), 2),
    "Clusters": lambda folder: small(),
    "ClassSubset": lambda folder: tasks.ClassSubset(dataset(), 3),
    "Dataset": lambda folder: dataset(),
    "DelayedMatch": lambda folder: tasks.DelayedMatch(size=5, trials=4, delay=1, held_out=HELD_OUT),
    "DelayedReward": lambda folder: tasks.DelayedReward(dataset()),
    "Detection": lambda folder: small_files.detection(MOMENTS, HELD_OUT),
    "Drifting": lambda folder: tasks.Drifting(dataset(), 1.0),
    "FewShot": lambda folder: tasks.FewShot(dataset(), 4, 2, 3, "all"),
    "InSteps": lambda folder: tasks.InSteps(dataset(), 3),
    "LatencyCode": lambda folder: tasks.LatencyCode(dataset(), 3),
    "LabelPermutation": lambda folder: tasks.LabelPermutation(dataset()),
    "Mixture": lambda folder: tasks.Mixture((small(), dataset()), weights=(1.0, 2.0)),
    "OnOff": lambda folder: tasks.OnOff(dataset()),
    "PairedAssociates": lambda folder: tasks.PairedAssociates(
        inputs=9, classes=4, moments=MOMENTS, pairs=6, held_out=HELD_OUT, flips=0.1
    ),
    "PixelNoise": lambda folder: tasks.PixelNoise(dataset(), 0.1),
    "PixelPermutation": lambda folder: tasks.PixelPermutation(dataset()),
    "Padding": lambda folder: tasks.Padding(dataset(), dataset().inputs + 2),
    "RandomProjection": lambda folder: tasks.RandomProjection(dataset(), 5),
    "RateCode": lambda folder: tasks.RateCode(dataset(), 3),
    "Reinforced": lambda folder: tasks.Reinforced(dataset()),
    "Resize": lambda folder: tasks.Resize(dataset(), 2),
    "Teacher": lambda folder: Teacher(
        inputs=9, classes=4, moments=MOMENTS, held_out=HELD_OUT, hidden=5, density=0.5
    ),
    "arrays": lambda folder: tasks.arrays(from_file(folder), MOMENTS, HELD_OUT),
    "boxed_arrays": lambda folder: tasks.boxed_arrays(
        small_files.boxed(folder), 2, 4, MOMENTS, HELD_OUT
    ),
    "cifar10": lambda folder: tasks.cifar10(MOMENTS, HELD_OUT, path=small_files.cifar10(folder)),
    "coco": lambda folder: tasks.coco(
        *small_files.coco(folder),
        height=24,
        width=32,
        sizes=2,
        patch=4,
        moments=MOMENTS,
        held_out=HELD_OUT,
    ),
    "digit_scenes": lambda folder: tasks.digit_scenes(
        MOMENTS, HELD_OUT, size=24, magnified=(1,), scenes=4
    ),
    "digits": lambda folder: tasks.digits(MOMENTS, HELD_OUT),
    "dvs_gesture": lambda folder: tasks.dvs_gesture(
        small_files.gestures(folder), 16, 2, MOMENTS, HELD_OUT
    ),
    "event_folder": lambda folder: tasks.event_folder(
        small_files.event_folder(folder), 4, 4, 2, MOMENTS, HELD_OUT, "all"
    ),
    "hub": from_hub,
    "image_folder": lambda folder: tasks.image_folder(
        small_files.image_folder(folder), 4, True, MOMENTS, HELD_OUT
    ),
    "mnist1d": lambda folder: tasks.mnist1d(MOMENTS, HELD_OUT),
    "nmnist": lambda folder: tasks.nmnist(MOMENTS, HELD_OUT, path=small_files.nmnist(folder)),
    "omniglot": lambda folder: tasks.omniglot(MOMENTS, HELD_OUT, path=small_files.omniglot(folder)),
    "spike_arrays": lambda folder: tasks.spike_arrays(
        *small_files.spikes(folder), channels=6, bins=2, moments=MOMENTS, held_out=HELD_OUT
    ),
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
    moments, held_out = SIZES.get(name, (MOMENTS, HELD_OUT))
    assert (task.moments, task.held_out) == (moments, held_out)

    lives = sample(task, keys(3, 4))
    assert lives.stimuli.shape == (2, moments, task.inputs)
    assert lives.targets.shape == (2, moments)
    assert lives.test_stimuli.shape == (2, held_out, task.inputs)
    assert lives.test_targets.shape == (2, held_out)
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


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - OTHER_TEACHING))
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
