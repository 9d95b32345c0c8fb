"""Average precision: by hand, against an independent way to compute it, and its limits."""

import itertools

import numpy as np
import pytest

from metaplast.bench import Boxes, average_precision


def boxes(*rows, scored: bool) -> Boxes:
    """Rows of `x, class, scene[, score]`: squares of 10 at x."""
    table = np.array(rows, float).reshape(len(rows), -1)
    place = np.stack([table[:, 0], 0 * table[:, 0], table[:, 0] + 10, 0 * table[:, 0] + 10], 1)
    score = table[:, 3] if scored else None
    return Boxes(place, table[:, 1].astype(int), table[:, 2].astype(int), score)


TRUE = boxes((0, 0, 0), (50, 0, 0), (0, 0, 1), (0, 1, 1), scored=False)


def test_by_hand():
    found = boxes(
        (0, 0, 0, 0.9),  # right
        (1, 0, 0, 0.8),  # wrong: the same thing again
        (52, 0, 0, 0.7),  # right: 8 / 12
        (4, 0, 1, 0.6),  # wrong: 6 / 14
        (0, 1, 0, 0.5),  # wrong: no such thing in this picture
        scored=True,
    )
    score = average_precision(found, TRUE, 3)
    # Class 0: precision 1, 1/2, 2/3, 2/4 at recall 1/3, 1/3, 2/3, 2/3.
    np.testing.assert_allclose(score.by_class, [1 / 3 + (1 / 3) * (2 / 3), 0.0, np.nan])
    assert score.mean == pytest.approx((5 / 9) / 2)
    looser = average_precision(found, TRUE, 2, least=0.4)
    # Now the fourth is right: 1, 1/2, 2/3, 3/4, made to fall: 1, 3/4, 3/4, 3/4.
    assert looser.by_class[0] == pytest.approx((1 + 3 / 4 + 3 / 4) / 3)
    # COCO: recalls 0 to 0.33 at 1, 0.34 to 0.66 at 2/3, nothing beyond.
    sampled = average_precision(found, TRUE, 2, points=101)
    assert sampled.by_class[0] == pytest.approx((34 + 33 * 2 / 3) / 101)


def test_all_found_is_one_and_nothing_is_zero():
    perfect = TRUE._replace(scores=np.arange(4.0))
    assert average_precision(perfect, TRUE, 2).mean == 1.0
    nothing = Boxes(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    assert average_precision(nothing, TRUE, 2).mean == 0.0
    assert np.isnan(average_precision(perfect, nothing._replace(scores=None), 2).mean)
    elsewhere = perfect._replace(scene=1 - TRUE.scene)
    assert average_precision(elsewhere, TRUE, 2).mean < 0.5


def brute_force(found: Boxes, true: Boxes, kind: int, least: float) -> float:
    """Cut the list of found boxes after each of them, count again from nothing each time, and
    integrate the best precision at each recall or beyond over a fine grid of recalls."""

    def iou(a, b):
        wide = min(a[2], b[2]) - max(a[0], b[0])
        high = min(a[3], b[3]) - max(a[1], b[1])
        common = max(wide, 0) * max(high, 0)
        sizes = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
        return common / (sum(sizes) - common)

    there = [j for j in range(len(true.classes)) if true.classes[j] == kind]
    mine = [i for i in range(len(found.classes)) if found.classes[i] == kind]
    mine.sort(key=lambda i: -found.scores[i])
    reached = []
    for cut in range(1, len(mine) + 1):
        free, right = set(there), 0
        for i in mine[:cut]:
            fits = [
                (iou(found.boxes[i], true.boxes[j]), -j)
                for j in free
                if true.scene[j] == found.scene[i]
            ]
            if fits and max(fits)[0] >= least:
                free.remove(-max(fits)[1])
                right += 1
        reached.append((right / len(there), right / cut))
    levels = [k / len(there) for k in range(1, len(there) + 1)]
    best = [max((p for r, p in reached if r >= level - 1e-9), default=0.0) for level in levels]
    return sum(best) / len(there)


@pytest.mark.parametrize("seed", range(4))
def test_against_an_independent_computation(seed):
    chance = np.random.default_rng(seed)
    true = Boxes(*random_boxes(chance, 40))
    # Half of what was found is near true boxes, half is anywhere.
    place, kinds, scenes = random_boxes(chance, 40)
    near = true.boxes[:20] + chance.normal(0, 2, (20, 4))
    found = Boxes(
        np.concatenate([near, place]), np.concatenate([true.classes[:20], kinds]),
        np.concatenate([true.scene[:20], scenes]), chance.normal(size=60),
    )  # fmt: skip
    for least in (0.3, 0.5):
        ours = average_precision(found, true, 3, least).by_class
        theirs = [brute_force(found, true, kind, least) for kind in range(3)]
        assert max(theirs) > 0.1
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def random_boxes(chance, count):
    corner = chance.uniform(0, 40, (count, 2))
    size = chance.uniform(8, 25, (count, 2))
    kinds, scenes = chance.integers(0, 3, count), chance.integers(0, 3, count)
    return np.concatenate([corner, corner + size], axis=1), kinds, scenes


def test_the_order_of_the_list_matters_only_among_equals():
    chance = np.random.default_rng(0)
    true = Boxes(*random_boxes(chance, 6))
    found = Boxes(true.boxes + 1.0, true.classes, true.scene, np.arange(6.0))
    scores = {
        average_precision(Boxes(*(np.asarray(a)[list(p)] for a in found)), true, 3).mean
        for p in itertools.islice(itertools.permutations(range(6)), 0, 720, 60)
    }
    assert len(scores) == 1 and scores.pop() > 0.5


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (TRUE, "found: no scores"),
        (TRUE._replace(scores=np.zeros(3)), "found: boxes of shape"),
        (TRUE._replace(scores=np.full(4, np.nan)), "found: scores that are not finite"),
        (TRUE._replace(boxes=np.zeros((4, 3)), scores=np.zeros(4)), "found: boxes of shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(found, says):
    with pytest.raises(ValueError, match=says):
        average_precision(found, TRUE, 2)
