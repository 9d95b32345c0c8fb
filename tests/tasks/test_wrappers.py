"""Each wrapper against a known answer, and against what it must not do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.bench.protocol import own_length
from metaplast.tasks import (
    AbstractTask,
    ClassSubset,
    Clusters,
    Dataset,
    LabelPermutation,
    Mixture,
    Padding,
    PixelNoise,
    PixelPermutation,
    RandomProjection,
    RateCode,
    Resize,
    Teacher,
    digit_scenes,
    digits,
)
from metaplast.tasks.with_moments import with_moments
from metaplast.types import Episode

QUICK = {"xla_backend_optimization_level": 0}
"""Compiled twice as fast, and run once."""

CLASSES, EACH = 6, 40


def coded(moments=60, held_out=30) -> Dataset:
    """Input 0 tells the class, input 1 the number of the example, 2 and 3 are chance."""
    y = np.tile(np.arange(CLASSES), EACH)
    chance = np.random.default_rng(0).normal(size=(len(y), 2))
    x = np.c_[y, np.arange(len(y)), chance]
    return Dataset(x[60:], y[60:], x[:60], y[:60], moments=moments, held_out=held_out)


def drawn(task, seed=0) -> Episode:
    return jax.jit(lambda task, key: task.sample(key), compiler_options=QUICK)(
        task, jax.random.key(seed)
    )


def many(task, count) -> Episode:
    keys = jax.random.split(jax.random.key(0), count)
    return jax.jit(lambda task, keys: jax.vmap(task.sample)(keys), compiler_options=QUICK)(
        task, keys
    )


# -- projection ------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4, 25])
def test_projection_keeps_the_expected_mean_square(size):
    task = PixelNoise(Dataset(*zeros(16), moments=5, held_out=1), 3.0)
    plain, projected = many(task, 400), many(RandomProjection(task, size), 400)
    assert projected.stimuli.shape[-1] == size
    before, after = np.mean(np.square(plain.stimuli)), np.mean(np.square(projected.stimuli))
    assert before == pytest.approx(9.0, rel=0.1)
    assert after == pytest.approx(before, rel=0.1)


def test_projection_is_one_matrix_per_episode_and_a_new_one_for_the_next():
    inner, task = coded(), RandomProjection(coded(), 3)
    episode = inner.sample(jax.random.key(1))
    first, second = (task.change(episode, jax.random.key(seed)) for seed in (0, 1))
    matrix = np.linalg.lstsq(episode.stimuli, first.stimuli, rcond=None)[0]
    assert np.std(matrix) > 0.1
    np.testing.assert_allclose(episode.test_stimuli @ matrix, first.test_stimuli, atol=1e-3)
    assert np.max(np.abs(episode.test_stimuli @ matrix - second.test_stimuli)) > 1.0
    np.testing.assert_array_equal(first.targets, episode.targets)


# -- padding ---------------------------------------------------------------------------


def test_padding_appends_silence_and_changes_nothing_else():
    inner, padded = coded(), Padding(coded(), coded().inputs + 3)
    before = inner.sample(jax.random.split(jax.random.key(2))[0])
    after = padded.sample(jax.random.key(2))
    assert padded.inputs == inner.inputs + 3 and np.abs(before.stimuli).max() > 0
    for old, new in ((before.stimuli, after.stimuli), (before.test_stimuli, after.test_stimuli)):
        np.testing.assert_array_equal(new[:, :-3], old)
        np.testing.assert_array_equal(new[:, -3:], 0.0)


# -- permutations ----------------------------------------------------------------------


def test_pixels_are_permuted_alike_in_life_and_test():
    pixels = jnp.arange(9.0)
    same = Dataset(*zeros(9), moments=3, held_out=2)
    episode = Episode(
        jnp.stack([pixels, -pixels, 2 * pixels]), jnp.zeros(3, int),
        jnp.stack([3 * pixels, pixels]), jnp.zeros(2, int),
    )  # fmt: skip
    changed = PixelPermutation(same).change(episode, jax.random.key(0))
    order = np.asarray(changed.stimuli[0]).astype(int)
    assert sorted(order) == list(range(9)) and list(order) != list(range(9))
    np.testing.assert_array_equal(changed.stimuli, episode.stimuli[:, order])
    np.testing.assert_array_equal(changed.test_stimuli, episode.test_stimuli[:, order])
    other = PixelPermutation(same).change(episode, jax.random.key(1))
    assert list(np.asarray(other.stimuli[0]).astype(int)) != list(order)


def test_labels_are_permuted_alike_in_life_and_test():
    episode = drawn(LabelPermutation(coded()))
    renamed = {}
    for x, y in [
        *zip(episode.stimuli, episode.targets, strict=True),
        *zip(episode.test_stimuli, episode.test_targets, strict=True),
    ]:
        renamed.setdefault(int(x[0]), set()).add(int(y))
    names = [next(iter(renamed[c])) for c in range(CLASSES)]
    assert all(len(new) == 1 for new in renamed.values())
    assert sorted(names) == list(range(CLASSES))
    assert names != list(range(CLASSES))
    lives = many(LabelPermutation(coded()), 20)
    agreement = np.mean(lives.stimuli[..., 0] == lives.targets)
    assert agreement == pytest.approx(1 / CLASSES, abs=0.1)  # by chance, over many lives


# -- class subset ----------------------------------------------------------------------


@pytest.mark.parametrize("classes", [1, 3, CLASSES])
def test_a_subset_holds_its_classes_only_numbered_in_order(classes):
    lives = many(ClassSubset(coded(), classes), 50)
    seen = set()
    for life in range(50):
        codes = np.asarray(lives.stimuli[life, :, 0]).astype(int)
        tests = np.asarray(lives.test_stimuli[life, :, 0]).astype(int)
        kept = np.unique(codes)
        assert len(kept) == classes and set(tests) <= set(kept)
        np.testing.assert_array_equal(lives.targets[life], np.searchsorted(kept, codes))
        np.testing.assert_array_equal(lives.test_targets[life], np.searchsorted(kept, tests))
        seen.add(tuple(kept))
    assert (len(seen) == 1) == (classes == CLASSES)
    assert {c for kept in seen for c in kept} == set(range(CLASSES))


def test_a_subset_repeats_no_example_while_the_pool_suffices():
    numbers = np.asarray(drawn(ClassSubset(coded(moments=60), 3)).stimuli)[:, 1]
    assert len(set(numbers)) == 60
    beyond = np.asarray(drawn(ClassSubset(coded(moments=200), 2)).stimuli)[:, 1]
    assert len(set(beyond)) == 60  # 2 classes of 30 are all there is in the train pool


def test_every_class_is_chosen_as_often():
    kept = many(ClassSubset(coded(moments=30), 2), 300).stimuli[..., 0]
    frequency = [np.mean(np.any(kept == c, axis=1)) for c in range(CLASSES)]
    np.testing.assert_allclose(frequency, 1 / 3, atol=0.11)  # four standard errors


# -- size, noise -----------------------------------------------------------------------


def test_resizing_keeps_constants_and_the_direction_of_a_ramp():
    side, new = 8, 4
    ramp = np.tile(np.arange(side, dtype=np.float32), (side, 1))
    x = np.stack([np.full((side, side), 0.7), ramp]).reshape(2, -1)
    task = Resize(Dataset(x, np.arange(2), x, np.arange(2), moments=2, held_out=2), new)
    assert task.inputs == new**2
    episode = drawn(task)
    constant, sloped = (np.asarray(episode.stimuli)[np.argsort(episode.targets)]).reshape(
        2, new, new
    )
    np.testing.assert_allclose(constant, 0.7, rtol=1e-5)
    assert np.ptp(sloped, axis=0).max() < 1e-5  # rows stay alike
    np.testing.assert_allclose(sloped[0, 1:-1], [2.5, 4.5], rtol=1e-5)
    np.testing.assert_allclose(np.sort(episode.test_stimuli, 0), np.sort(episode.stimuli, 0))


def test_noise_has_its_level_and_none_at_zero():
    plain = Dataset(*zeros(100), moments=40, held_out=8)
    noisy = drawn(PixelNoise(plain, 0.3))
    assert np.std(noisy.stimuli) == pytest.approx(0.3, rel=0.05)
    assert np.std(noisy.test_stimuli) == pytest.approx(0.3, rel=0.1)
    assert not np.array_equal(noisy.stimuli[:8], noisy.test_stimuli)
    np.testing.assert_array_equal(
        PixelNoise(plain, 0.0).change(drawn(plain), jax.random.key(0)).stimuli, 0.0
    )


# -- mixture ---------------------------------------------------------------------------


def constant(value: float, **sizes) -> Dataset:
    x = np.full((4, 3), value)
    return Dataset(x, np.arange(4), x, np.arange(4), **{"moments": 2, "held_out": 2, **sizes})


def test_a_mixture_draws_from_all_its_tasks_by_weight():
    tasks = (constant(0.0), constant(1.0), constant(2.0))
    values = np.asarray(many(Mixture(tasks, (1.0, 3.0, 0.0)), 400).stimuli)
    assert np.all(values == values[:, :1, :1])  # one task a life
    assert set(np.unique(values)) == {0.0, 1.0}
    assert np.mean(values) == pytest.approx(0.75, abs=0.09)  # four standard errors
    assert Mixture(list(tasks), [1.0, 3.0, 0.0]).weights == (1.0, 3.0, 0.0)  # as in a table
    equal = np.asarray(many(Mixture(tasks), 100).stimuli)
    assert set(np.unique(equal)) == {0.0, 1.0, 2.0}


def test_wrappers_and_mixtures_compose():
    def wrapped(task):
        return LabelPermutation(RandomProjection(ClassSubset(task, 2), 7))

    task = Mixture((wrapped(coded()), wrapped(Clusters(inputs=20, moments=60, held_out=30))))
    assert (task.inputs, task.classes, task.moments, task.held_out) == (7, 2, 60, 30)
    assert drawn(with_moments(task, 15)).stimuli.shape == (15, 7)
    assert "7 random projections, labels permuted | clusters" in task.name


def test_detection_has_lives_of_any_length():
    task = digit_scenes(moments=20, scenes=8)
    longer = with_moments(task, 30)
    assert (longer.moments, task.moments) == (30, 20) and longer.windows == task.windows
    one, other = drawn(longer), drawn(task)
    np.testing.assert_array_equal(one.stimuli[:20], other.stimuli)
    assert np.abs(one.stimuli).max() > 0 and one.stimuli.shape == (30, task.inputs)
    assert own_length('{type = "digit_scenes", scenes = 8}') is None
    assert own_length('{type = "digit_scenes", scenes = 8, moments = 9}') == 9  # the control


class Fixed(AbstractTask):
    """A user's task that has only what the contract asks for."""

    inputs = 3
    classes = 4
    moments = 2

    def sample(self, key):
        return constant(5.0).sample(key)


def test_a_users_own_task_can_be_wrapped():
    task = Mixture((PixelNoise(Fixed(), 0.0), constant(5.0)))
    assert task.held_out == 2 and "Fixed" in task.name
    np.testing.assert_array_equal(drawn(task).stimuli, 5.0)
    with pytest.raises(ValueError, match="Fixed has no field `moments`"):
        with_moments(Fixed(), 3)


def test_a_picture_that_is_changed_and_stays_a_picture_is_resized():
    for task in (PixelNoise(digits(9), 0.1), Resize(digits(9), 5), RateCode(digits(9), 1)):
        assert Resize(task, 4).inputs == 16


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: RandomProjection(coded(), 0), "size = 0"),
        (lambda: Padding(Clusters(inputs=50), 4), "size = 4: the task has 50 inputs"),
        (lambda: Resize(Clusters(inputs=50), 4), "clusters has 50 inputs, expected square images"),
        (lambda: Resize(coded(), 0), "size = 0"),
        (lambda: Resize(RateCode(digits(9), 4), 8), "rate code of 4 bins are no picture; .*Resize"),
        (lambda: Resize(PixelNoise(RandomProjection(digits(9), 81), 0.1), 8), "are no picture"),
        (lambda: PixelNoise(coded(), -1.0), "level = -1.0"),
        (lambda: ClassSubset(coded(), 7), "classes = 7: expected at most 6"),
        (lambda: ClassSubset(coded(), 0), "classes = 0"),
        (lambda: ClassSubset(coded(), 2, moments=0), "moments = 0"),
        (lambda: Mixture(()), "tasks = "),
        (lambda: Mixture((coded(),), (1.0, 2.0)), "weights = .*expected 1 numbers"),
        (lambda: Mixture((coded(),), (0.0,)), "weights = .*not all 0"),
        (lambda: Mixture((Clusters(), Teacher(inputs=3))), "teacher has inputs = 3, expected 64"),
        (lambda: Mixture((Clusters(), Clusters(classes=3))), "classes = 3, expected 10"),
        (lambda: Mixture((coded(), coded(moments=9))), "moments = 9, expected 60"),
        (lambda: Mixture((coded(), coded(held_out=9))), "held_out = 9, expected 30"),
        (lambda: with_moments(RandomProjection(coded(), 3), 0), "moments = 0"),
    ],
)
def test_bad_wrappers_are_refused_in_one_line(make, says):
    with pytest.raises(ValueError, match=says) as fault:
        make()
    assert "\n" not in str(fault.value)


def zeros(inputs: int):
    x, y = np.zeros((8, inputs)), np.arange(8) % 2
    return x, y, x, y
