"""Lives drawn from a pool: each example once a pass, held-out ones all different."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.tasks import Dataset
from metaplast.tasks.dataset import in_passes
from metaplast.tasks.with_moments import with_moments


def test_pools_may_be_lists_as_a_table_has_them():
    x, y = ((0.0,), (1.0,)), (0, 1)
    task = Dataset(x, y, x, y, moments=4)
    assert (task.inputs, task.classes, task.held_out) == (1, 2, 2)
    for wrong in ((("a",), ("b",)), 1.0, ()):
        with pytest.raises(ValueError, match="x_t") as fault:
            Dataset(x, y, wrong, y, moments=4)
        assert "\n" not in str(fault.value)


QUICK = {"xla_backend_optimization_level": 0}
"""Compiled twice as fast, and run once."""

POOL, TEST = 20, 8


def numbered(moments=12, held_out=5, **changes) -> Dataset:
    """Examples whose only input is their number; test examples count from 100."""
    pools = {
        "x_train": np.arange(POOL, dtype=np.float32)[:, None],
        "y_train": np.arange(POOL) % 4,
        "x_test": 100 + np.arange(TEST, dtype=np.float32)[:, None],
        "y_test": np.arange(TEST) % 4,
    }
    return Dataset(**{**pools, "moments": moments, "held_out": held_out, **changes})


def lived(task, seed=0):
    episode = jax.jit(lambda task, key: task.sample(key), compiler_options=QUICK)(
        task, jax.random.key(seed)
    )
    return np.asarray(episode.stimuli)[:, 0].astype(int), episode


def test_a_life_shorter_than_the_pool_repeats_nothing():
    ids, episode = lived(numbered())
    assert len(set(ids)) == len(ids) == 12
    np.testing.assert_array_equal(episode.targets, ids % 4)
    held = np.asarray(episode.test_stimuli)[:, 0].astype(int)
    assert len(set(held)) == 5 and min(held) >= 100
    np.testing.assert_array_equal(episode.test_targets, (held - 100) % 4)


def test_a_longer_life_comes_pass_after_pass_each_in_a_fresh_order():
    ids, _ = lived(numbered(moments=50))
    first, second, rest = ids[:POOL], ids[POOL : 2 * POOL], ids[2 * POOL :]
    assert set(first) == set(second) == set(range(POOL))
    assert list(first) != list(second)
    assert len(set(rest)) == len(rest) == 10
    assert len(set(ids[5 : 5 + POOL])) < POOL  # a window across two passes repeats


def test_a_longer_life_begins_as_the_shorter_one():
    short, long = lived(numbered(moments=12))[0], lived(with_moments(numbered(), 50))[0]
    np.testing.assert_array_equal(short, long[:12])
    assert list(short) != list(lived(numbered(moments=12), seed=1)[0])


def one_by_one(size, count, key):
    """The passes of `in_passes`, each of them written out."""
    keys = [jax.random.fold_in(key, index) for index in range(-(-count // size))]
    return jnp.concatenate([jax.random.permutation(k, size) for k in keys])[:count]


@pytest.mark.parametrize(
    ("size", "count"), [(1, 1), (1, 5), (7, 3), (7, 7), (7, 8), (40, 200), (2000, 4500)]
)
def test_mapped_passes_are_those_written_out(size, count):
    keys = jax.random.split(jax.random.key(3), 2)
    for key in keys:
        drawn = np.asarray(in_passes(size, count, key))
        np.testing.assert_array_equal(drawn, one_by_one(size, count, key))
        assert drawn.shape == (count,) and (size == 1 or drawn.any())
    together = jax.vmap(lambda key: in_passes(size, count, key))(keys)
    np.testing.assert_array_equal(together[1], drawn)
    if size > 1:  # the control: another key, another order
        assert list(together[0]) != list(drawn)


def test_a_longer_life_is_no_longer_program():
    def length(draw, count):
        program = jax.make_jaxpr(lambda key: draw(40, count, key))(jax.random.key(0))
        return str(program).count(" = ")

    assert length(in_passes, 4990) == length(in_passes, 90) > 0
    assert length(one_by_one, 4990) > 10 * length(one_by_one, 90)  # the control


def test_arrays_are_leaves_and_sizes_are_not():
    leaves = jax.tree.leaves(numbered())
    assert sorted(leaf.shape for leaf in leaves) == [(TEST,), (TEST, 1), (POOL,), (POOL, 1)]


def test_held_out_is_what_there_is_where_nobody_says():
    assert numbered(held_out=None).held_out == TEST


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"moments": 0}, "moments = 0"),
        ({"held_out": 0}, "held_out = 0"),
        ({"held_out": 9}, "held_out = 9: expected at most 8"),
        ({"classes": 3}, "y_train: label 3, expected 0 to 2"),
        ({"y_train": np.arange(POOL)[:-1] % 4}, "y_train: 19 labels, expected 20"),
        ({"y_train": np.arange(POOL) % 4 - 1}, "y_train: label -1"),
        ({"y_train": np.arange(POOL) / 4, "classes": 9}, "y_train: type float64"),
        ({"y_train": np.eye(POOL, 4, dtype=int)}, r"y_train: shape \(20, 4\)"),
        ({"y_test": np.full(TEST, 4)}, "y_test: label 4, expected 0 to 3"),
        ({"x_train": np.full((POOL, 1), np.nan)}, "x_train: NaN or infinite values in 20 of 20"),
        ({"x_test": np.full((TEST, 1), np.inf)}, "x_test: NaN or infinite"),
        ({"x_test": np.ones((TEST, 2))}, r"x_test: shape \(8, 2\)"),
        ({"x_train": np.ones((POOL, 2, 2))}, r"x_train: shape \(20, 2, 2\)"),
        (
            {"x_train": np.ones((0, 1)), "y_train": np.zeros(0, int), "classes": 4},
            "x_train: 0 examples",
        ),
    ],
)
def test_bad_arrays_are_refused_in_one_line(changes, says):
    numbered()  # the same arrays without the change are accepted
    with pytest.raises(ValueError, match=says) as fault:
        numbered(**changes)
    assert "\n" not in str(fault.value)
