"""Digits and MNIST-1D: disjoint pools, the published sample, no trace left behind."""

import random

import numpy as np
import pytest

from metaplast.tasks import digits, mnist1d


def test_a_seed_that_the_generator_does_not_take_is_refused():
    with pytest.raises(ValueError, match="seed = -1: expected an integer of 0 or more"):
        mnist1d(20, seed=-1)


def rows(*pools) -> set[bytes]:
    return {row.tobytes() for pool in pools for row in np.asarray(pool)}


def test_digits_of_search_and_bench_share_no_image():
    from sklearn.datasets import load_digits

    images = load_digits().data
    search, bench, everything = digits(split="search"), digits(), digits(split="all")
    sizes = [(t.x_train.shape[0], t.x_test.shape[0]) for t in (search, bench, everything)]
    assert sizes == [(597, 200), (800, 200), (1597, 200)]
    assert len(np.unique(images, axis=0)) == 1797  # so equal rows would mean a shared image
    searched, benched = rows(search.x_train, search.x_test), rows(bench.x_train, bench.x_test)
    assert len(searched) == 797 and len(benched) == 1000
    assert not searched & benched
    assert not rows(search.x_train) & rows(search.x_test)
    assert not rows(everything.x_train) & rows(everything.x_test)
    assert rows(everything.x_train) & searched  # the control: this pool does share images
    assert rows(everything.x_test) == rows(bench.x_test)


def test_digits_in_natural_units_with_their_labels():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    known = {(image / 16).astype(np.float32).tobytes(): y for image, y in zip(images, labels, strict=True)}  # fmt: skip  # noqa: E501
    task = digits()
    assert (np.min(task.x_train), np.max(task.x_train)) == (0.0, 1.0)
    expected = [known[row.tobytes()] for row in np.asarray(task.x_train)]
    np.testing.assert_array_equal(task.y_train, expected)
    assert len(set(expected)) == task.classes == 10


def test_names_say_which_pool():
    assert digits().name == "digits"
    assert digits(split="search").name == "digits (search images)"
    assert digits(split="all").name == "digits (all images)"


def test_digits_refuses_an_unknown_split():
    with pytest.raises(ValueError, match="split = 'train': give one of bench, search, all"):
        digits(split="train")


def test_mnist1d_leaves_the_global_generators_as_they_were():
    from metaplast.tasks.mnist1d import _generate

    _generate.cache_clear()
    draws = []
    for work in (lambda: None, mnist1d, lambda: np.random.random()):
        np.random.seed(7)
        random.seed(7)
        work()
        draws.append((np.random.random(), random.random()))
    assert _generate.cache_info().misses == 1  # the generator did run
    assert draws[1] == draws[0]
    assert draws[2] != draws[0]


def test_mnist1d_is_the_published_sample_and_search_another():
    from mnist1d.data import get_dataset_args, make_dataset

    state = np.random.get_state(), random.getstate()
    published = make_dataset(get_dataset_args())
    np.random.set_state(state[0])
    random.setstate(state[1])

    bench, search, everything = mnist1d(), mnist1d(split="search"), mnist1d(split="all")
    np.testing.assert_array_equal(bench.x_train, published["x"].astype(np.float32))
    np.testing.assert_array_equal(bench.y_test, published["y_test"])
    assert bench.inputs == 40 and bench.x_test.shape[0] == 1000
    assert search.x_train.shape == (4000, 40) and everything.x_train.shape == (8000, 40)
    searched, benched = rows(search.x_train, search.x_test), rows(bench.x_train, bench.x_test)
    assert len(searched) == len(benched) == 5000 and not searched & benched
    assert rows(everything.x_train) & searched and rows(everything.x_train) & benched
