"""Which examples a search and a comparison get, of files of any size."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

from metaplast.tasks import cifar10, hub, pools, spike_arrays
from metaplast.tasks.pools import Pools, divide, some_of

TEST = np.arange(3)


def parts(count, most):
    """Numbers of the examples that each split gets of a file of `count`, `most` of them read."""
    read = some_of(count, most)
    assert len(read) == min(count, most) and np.all(np.diff(read) > 0)
    search = divide(Pools(read, read, TEST, TEST), "search", count)
    bench = divide(Pools(read, read, TEST, TEST), "bench", count)
    both = np.concatenate([search.x_train, search.x_test, bench.x_train])
    np.testing.assert_array_equal(np.sort(both), read)
    np.testing.assert_array_equal(search.y_test, search.x_test)
    assert bench.x_test is TEST
    return set(search.x_train) | set(search.x_test), set(bench.x_train)


@pytest.mark.parametrize("block", [10_000, 40])
def test_the_parts_of_a_file_do_not_depend_on_how_much_is_read(block, monkeypatch):
    monkeypatch.setattr(pools, "BLOCK", block)
    found = [parts(103, most) for most in (10, 37, 40, 41, 80, 103, 500)]
    for searched, _ in found:
        assert not any(searched & bench for _, bench in found)
    for (less, fewer), (more, further) in itertools.pairwise(found):
        assert less <= more and fewer <= further
    assert len(found[-1][0]) == 41 and len(found[-1][1]) == 62


def test_what_a_block_is_divided_into_is_what_it_would_be_on_its_own(monkeypatch):
    """And so many are read by default."""
    for task in (cifar10, hub, spike_arrays):
        assert inspect.signature(task).parameters["most"].default == pools.BLOCK
    monkeypatch.setattr(pools, "BLOCK", 40)
    read = np.sort(np.random.default_rng(0).permutation(103)[:40])
    np.testing.assert_array_equal(some_of(103, 40), read)
    for split in ("search", "bench"):
        ours = divide(Pools(read, read, TEST, TEST), split, 103)
        alone = divide(Pools(read, read, TEST, TEST), split)
        for one, other in zip(ours, alone, strict=True):
            np.testing.assert_array_equal(one, other)
    monkeypatch.setattr(pools, "BLOCK", 50)  # the control: other blocks, other parts
    assert not np.array_equal(divide(Pools(read, read, TEST, TEST), "bench", 103).x_train,
                              divide(Pools(read, read, TEST, TEST), "bench").x_train)  # fmt: skip
