"""Few-shot lives: which classes, how often, under which names."""

import os
from pathlib import Path

import numpy as np
import pytest

from metaplast.bench import presentations
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.tasks import Clusters, Dataset, FewShot, omniglot
from tasks.lives import lived, many

CLASSES, EACH = 20, 7


def coded(uneven: bool = False) -> Dataset:
    """Input 0 tells the class, input 1 the number of the example."""
    y = np.tile(np.arange(CLASSES), EACH)
    if uneven:  # class 0 has one example, class 1 two, and so on
        y = np.repeat(np.arange(CLASSES), np.minimum(np.arange(CLASSES) + 1, EACH))
    x = np.c_[y, np.arange(len(y))].astype(np.float32)
    return Dataset(x[::2], y[::2], x[1::2], y[1::2], classes=CLASSES, name="coded (all examples)")


@pytest.mark.parametrize("uneven", [False, True])
def test_every_class_has_its_shots_and_queries_all_different(uneven):
    lives = many(FewShot(coded(uneven), ways=5, shots=2, queries=3, split="all"), 60)
    for life in range(60):
        shown, asked = lives.stimuli[life], lives.test_stimuli[life]
        np.testing.assert_array_equal(np.bincount(lives.targets[life]), np.full(5, 2))
        np.testing.assert_array_equal(np.bincount(lives.test_targets[life]), np.full(5, 3))
        assert len({*shown[:, 1], *asked[:, 1]}) == 25  # no example twice
        # One name for each class, the same in life and test.
        named = {(y, x) for y, x in zip(lives.targets[life], shown[:, 0], strict=True)}
        again = {(y, x) for y, x in zip(lives.test_targets[life], asked[:, 0], strict=True)}
        assert named == again and len(named) == 5 == len({x for _, x in named})
    enough = range(4, CLASSES) if uneven else range(CLASSES)  # 5 examples or more
    assert {*lives.stimuli[..., 0].ravel()} == set(enough)


def test_names_and_order_are_drawn_for_every_life():
    lives = many(FewShot(coded(), ways=5, shots=2, queries=1, split="all"), 400)
    # A class has each of the five names equally often, and no name comes first.
    names = [lives.targets[lives.stimuli[..., 0] == c] for c in (0, CLASSES - 1)]
    for drawn in names:
        share = np.bincount(drawn, minlength=5) / len(drawn)
        np.testing.assert_allclose(share, 0.2, atol=0.16)
    np.testing.assert_allclose(np.bincount(lives.targets[:, 0]) / 400, 0.2, atol=0.08)


def test_search_and_bench_share_no_class():
    met = {
        split: {*many(FewShot(coded(), 4, 1, 1, split), 100).stimuli[..., 0].ravel()}
        for split in ("search", "bench", "all")
    }
    assert len(met["search"]) == 8 and len(met["bench"]) == 12
    assert not met["search"] & met["bench"]
    assert met["search"] & met["all"] and met["bench"] & met["all"]  # the control does share
    assert FewShot(coded(), split="search").name == "coded, 5-way 1-shot (search classes)"


def test_presentations_count_how_often_a_class_was_seen():
    correct = [[0, 0, 1, 1], [1, 1, 0, 0]]
    targets = [[2, 1, 2, 2], [0, 0, 0, 1]]
    found = presentations(correct, targets)
    # First showings: 0 0 (first life), 1 0 (second); second: 1, 1; third: 1, 0.
    np.testing.assert_array_equal(found.answers, [4, 2, 2])
    np.testing.assert_allclose(found.accuracy, [1 / 4, 1, 1 / 2])
    with pytest.raises(ValueError, match="targets: shape"):
        presentations([1, 0], [1])


def test_shots_help_where_there_is_something_to_learn_and_not_else():
    def scores(noise):
        x = np.random.default_rng(0).normal(size=(CLASSES, 1, 8))
        x = x * (noise == 0) + np.random.default_rng(1).normal(size=(CLASSES, EACH, 8)) * (
            1.0 if noise else 0.3
        )
        y = np.repeat(np.arange(CLASSES), EACH)
        flat = x.reshape(-1, 8).astype(np.float32)
        task = FewShot(Dataset(flat, y, flat[:1], y[:1], classes=CLASSES), 5, 3, 2, "all")
        found = lived(task, NearestClassMean(8, 5), 40)
        return presentations(found.correct, found.episode.targets).accuracy, found.test

    online, test = scores(noise=0)
    assert online[0] < 0.3 and online[1] > 0.8 and test > 0.9
    blind, chance = scores(noise=1)
    assert blind[-1] < 0.45 and chance < 0.35  # one in five, and no class to learn


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: FewShot(coded(), ways=0), "ways = 0"),
        (lambda: FewShot(coded(), shots=0), "shots = 0"),
        (lambda: FewShot(coded(), queries=0), "queries = 0"),
        (lambda: FewShot(coded(), split="train"), "split = 'train'"),
        (
            lambda: FewShot(coded(), shots=5, queries=3),
            "ways = 5: 0 classes of coded .* have the 8",
        ),
        (lambda: FewShot(coded(), ways=13), "ways = 13: 12 classes"),
        (lambda: FewShot(Clusters()), "task: Clusters, expected a data set"),
    ],
)
def test_impossible_lives_are_refused_in_one_line(make, says):
    with pytest.raises(ValueError, match=says) as fault:
        make()
    assert "\n" not in str(fault.value)


def test_omniglot_itself():
    file = Path(os.environ.get("METAPLAST_DATA", "")) / "omniglot28_background.npz"
    if not file.is_file():
        pytest.skip("omniglot28_background.npz is not in the folder METAPLAST_DATA")
    task = FewShot(omniglot(split="all", path=file), ways=5, shots=1, queries=3)
    assert task.begins.shape == (579,) and task.x.shape == (579 * 20, 784)
    test = lived(task, NearestClassMean(784, 5), 50).test
    assert 0.35 < test < 0.75  # pixels alone: far from chance, far from people
