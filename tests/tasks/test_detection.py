"""Windows show what they should, and an oracle for patches finds all things in whole pictures."""

import importlib

import jax
import numpy as np
import pytest

from metaplast.bench import Boxes, answers, average_precision, detect, detection_score
from metaplast.bench.detect import crowded, cut, suppressed
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.lifetime import live
from metaplast.tasks import Detection, boxed_arrays, digit_scenes, digits
from metaplast.tasks.boxes import overlap, typical
from metaplast.tasks.detection import _sizes
from metaplast.tasks.scenes import divide_scenes
from metaplast.tasks.windows import Windows
from tasks import small_files

SCENES = importlib.import_module("metaplast.tasks.digit_scenes")
MODULE = importlib.import_module("metaplast.bench.detect")  # the package has a function so named


def test_overlap_by_hand():
    a = np.array([[0, 0, 2, 2], [0, 0, 1, 1], [5, 5, 6, 6], [3, 3, 3, 3]], float)
    b = np.array([[1, 0, 3, 2], [0, 0, 2, 2]], float)
    np.testing.assert_allclose(overlap(a, b), [[1 / 3, 1], [0, 1 / 4], [0, 0], [0, 0]])


def test_typical_sizes_are_those_that_there_are():
    chance = np.random.default_rng(0)
    corner = chance.uniform(0, 50, (60, 2))
    size = np.repeat([[10, 20], [30, 31], [5, 5]], 20, axis=0) + chance.uniform(-0.4, 0.4, (60, 2))
    boxes = np.concatenate([corner, corner + size], axis=1)
    assert typical(boxes, 3) == ((5, 5), (20, 10), (31, 30))
    assert typical(boxes, 1) != ((5, 5),)


def test_as_many_typical_sizes_as_are_asked_for_however_many_boxes_are_alike():
    sides = np.array([10.0] * 45 + [20.0] * 5 + [40.0] * 10)
    corner = np.random.default_rng(0).uniform(0, 50, (60, 2))
    boxes = np.concatenate([corner, corner + np.stack([sides, 2 * sides], axis=1)], axis=1)
    assert typical(boxes, 3) == ((20, 10), (40, 20), (80, 40))
    assert typical(boxes[:45], 3) == ((20, 10),)  # no other size is there


def test_windows_are_crops_where_sizes_agree_and_means_elsewhere():
    image = np.random.default_rng(0).uniform(size=(9, 11, 2)).astype(np.float32)
    windows = Windows(9, 11, ((4, 4), (8, 6)), 4, 0.5, 0.0)
    boxes, patches = windows.boxes, windows.patches(image)
    assert len(boxes) == len(patches) and patches.shape[1] == 32
    assert boxes[:, 2].max() == 11 and boxes[:, 3].max() == 9  # up to the border
    for box, patch in zip(boxes, patches, strict=True):
        x1, y1, x2, y2 = box.astype(int)
        crop = image[y1:y2, x1:x2]
        if crop.shape[:2] == (4, 4):
            np.testing.assert_allclose(patch.reshape(4, 4, 2), crop, rtol=1e-5)
        np.testing.assert_allclose(patch.reshape(-1, 2).mean(0), crop.mean((0, 1)), rtol=1e-4)
    assert {tuple(b[2:] - b[:2]) for b in boxes} == {(4, 4), (6, 8)}
    # Half a side more all around: twice as wide, and black where the picture ends.
    wider = Windows(9, 11, ((4, 4),), 8, 0.5, 0.5)
    framed = np.pad(image, ((2, 2), (2, 2), (0, 0)))
    for box, patch in zip(wider.boxes, wider.patches(image), strict=True):
        x, y = box[:2].astype(int)
        np.testing.assert_allclose(patch.reshape(8, 8, 2), framed[y : y + 8, x : x + 8], rtol=1e-5)


def test_labels_by_hand():
    windows = Windows(8, 16, ((8, 8),), 2, 0.25, 0.0)  # x from 0 to 8 by 2
    labels, near = windows.labels(np.array([[0.0, 0, 8, 8]]), np.array([4]), 9)
    # Intersection over union of squares shifted by 0, 2, 4, 6, 8 of 8: 1, 0.6, 1/3, 1/7, 0.
    np.testing.assert_array_equal(labels, [4, 4, 9, 9, 9])
    np.testing.assert_array_equal(near, [False, False, True, True, False])
    labels, near = windows.labels(np.zeros((0, 4)), np.zeros(0, int), 9)
    assert set(labels) == {9} and not near.any()


def truth(task: Detection) -> Boxes:
    return Boxes(*(np.asarray(part) for part in (task.boxes, task.things, task.scene)))


def oracle(task: Detection, confused: bool = False):
    """Readouts of one who knows the true boxes: how well each window shows which thing."""
    scenes = iter(range(len(task.images)))

    def answer(patches):
        mine = np.asarray(task.scene) == next(scenes)
        common = overlap(task.windows.boxes, np.asarray(task.boxes, float)[mine])
        readouts = np.full((len(common), task.classes), -1.0)
        kinds = np.asarray(task.things)[mine]
        for kind in np.unique(kinds):
            seen = (kind + confused) % (task.classes - 1)
            readouts[:, seen] = common[:, kinds == kind].max(axis=1)
        readouts[:, -1] = 0.5
        return readouts

    return answer


@pytest.mark.parametrize("scenes", ["squares", "digits"])
def test_who_knows_every_patch_finds_every_thing(scenes):
    task = (
        small_files.detection(20, 10)
        if scenes == "squares"
        else digit_scenes(20, 10, size=32, scenes=6, things=3)
    )
    kinds = task.classes - 1
    score = average_precision(detect(oracle(task), task), truth(task), kinds)
    assert score.mean == pytest.approx(1.0)
    # The controls: the right places under wrong names, and answers that know nothing.
    wrong = average_precision(detect(oracle(task, confused=True), task), truth(task), kinds)
    assert wrong.mean < 0.3
    chance = np.random.default_rng(0)
    blind = detect(lambda patches: chance.normal(size=(len(patches), kinds + 1)), task)
    assert average_precision(blind, truth(task), kinds).mean < 0.4


def test_a_learner_that_lived_patches_finds_things_in_whole_pictures():
    task = Detection(
        small_files.squares(20), small_files.squares(5, 1), 2, ((8, 8), (12, 12)), 6, moments=200
    )
    learner = NearestNeighbor(task.inputs, task.classes, 200)
    episode = task.sample(jax.random.key(0))
    life, state = jax.jit(lambda e, key: live(learner, task, e, key))(episode, jax.random.key(1))
    assert life.correct[100:].mean() > 0.8
    assert detection_score(learner, state, task).mean > 0.9
    assert detection_score(learner, learner.born(None), task).mean < 0.1  # the control never lived
    patches = task.windows.patches(np.asarray(task.images[0]))
    np.testing.assert_allclose(
        answers(learner, state)(patches)[3],
        learner.predict(state, patches[3]),
        rtol=1e-4,
        atol=1e-5,
    )


def test_background_has_its_share_and_things_the_rest():
    task = small_files.detection(20, 10, background=0.75)
    nothing = task.classes - 1
    assert np.mean(np.asarray(task.patches.y_train) == nothing) == pytest.approx(0.75, abs=0.02)
    fewer = small_files.detection(20, 10, most=40)
    assert fewer.patches.x_train.shape[0] <= 40 and fewer.patches.x_test.shape[0] <= 40
    assert set(np.unique(fewer.patches.y_train)) == {0, 1, 2}
    # A patch of a thing is as bright as the thing, one of background is dark, or half full.
    brightness = np.asarray(task.patches.x_train).mean(axis=1)
    labels = np.asarray(task.patches.y_train)
    means = [brightness[labels == c].mean() for c in range(3)]
    assert means[0] > means[1] > means[2]


def test_the_best_of_boxes_that_overlap_stays():
    boxes = np.array([[0, 0, 4, 4], [1, 0, 5, 4], [9, 9, 12, 12], [0, 0, 4, 5]], float)
    order, common = np.argsort([-1.0, -2.0, 0.0, -3.0]), overlap(boxes, boxes)
    np.testing.assert_array_equal(suppressed(order, common > 0.4, 9), [3, 2])
    np.testing.assert_array_equal(suppressed(order, common > 0.99, 9), [3, 1, 0, 2])
    np.testing.assert_array_equal(suppressed(order, common > 0.99, 2), [3, 1])


def test_what_windows_have_in_common_is_computed_in_parts(monkeypatch):
    windows = small_files.detection(4, 2).windows
    assert len(windows.boxes) > 7  # more than one part
    monkeypatch.setattr(MODULE, "ROWS", 7)
    near = crowded.__wrapped__(windows, 0.3)
    np.testing.assert_array_equal(near, overlap(windows.boxes, windows.boxes) > 0.3)
    assert 0 < near.mean() < 0.5


def test_patches_are_cut_once_for_all_who_look_through_them(monkeypatch):
    task = small_files.detection(4, 2)

    def answer(patches):
        return np.stack([patches.mean(1), patches.max(1), 0.5 + 0 * patches[:, 0]], axis=1)

    pictures = cut(task)
    assert len(pictures) == len(task.images)
    alone, together = detect(answer, task), detect(answer, task, pictures=pictures)
    assert len(alone.boxes)
    jax.tree.map(np.testing.assert_array_equal, alone, together)
    darker = detect(answer, task, pictures=[0.5 * p for p in pictures])
    assert len(darker.boxes) and not np.array_equal(darker.scores, alone.scores)
    monkeypatch.setattr(MODULE, "BYTES", 100)
    assert cut(task) == []


def test_pictures_are_divided_whole():
    train, test = small_files.squares(20), small_files.squares(3, 1)
    search, held = divide_scenes(train, test, "search")
    bench, tested = divide_scenes(train, test, "bench")
    assert [len(s.images) for s in (search, held, bench, tested)] == [6, 2, 12, 3]
    seen = [{image.tobytes() for image in s.images} for s in (search, held, bench)]
    assert len(set.union(*seen)) == 20 == sum(map(len, seen))
    for part in (search, held, bench):
        for box, kind, scene in zip(*part[1:], strict=True):
            x1, y1, x2, y2 = box.astype(int)
            assert part.images[scene, y1:y2, x1:x2].mean() == pytest.approx(1.0 - 0.5 * kind)
    with pytest.raises(ValueError, match="images of train: 9 scenes"):
        divide_scenes(train.some(range(9)), test, "bench")


def digits_in(split, monkeypatch) -> list[set[bytes]]:
    """The digits in the pictures for lives, and in held-out ones, cut out at their boxes."""
    drawn, whole = [], small_files.detection(20, 7)
    monkeypatch.setattr(SCENES, "Detection", lambda *of, **options: drawn.extend(of) or whole)
    digit_scenes(20, 10, split, size=32, scenes=20, things=3, magnified=(1,), clutter=0)
    found = []
    for images, boxes, _, scene in drawn:
        corners = zip(scene, boxes.astype(int), strict=True)
        found.append({images[i, y1:y2, x1:x2].tobytes() for i, (x1, y1, x2, y2) in corners})
    return found


def test_no_digit_of_lives_is_in_held_out_pictures_and_none_of_a_search_in_a_comparison(
    monkeypatch,
):
    parts = {split: digits_in(split, monkeypatch) for split in ("search", "bench", "all")}
    for split, found in parts.items():
        pool = digits(split=split)
        for seen, x in zip(found, (pool.x_train, pool.x_test), strict=True):
            assert len(seen) > 25 and seen <= {digit.tobytes() for digit in np.asarray(x)}
    apart = [*parts["search"], *parts["bench"]]
    assert len(set.union(*apart)) == sum(map(len, apart))
    pools = digits(split="search"), digits(split="bench")
    lived = [{digit.tobytes() for digit in np.asarray(pool.x_train)} for pool in pools]
    assert all(parts["all"][0] & each for each in lived)  # the control


def test_digits_do_not_overlap():
    task = digit_scenes(20, 10, size=32, scenes=6, things=3)
    assert task.classes == 11 and task.images.shape == (3, 32, 32, 1)
    assert 3 <= len(task.boxes) <= 9
    own = overlap(np.asarray(task.boxes, float), np.asarray(task.boxes, float))
    same = np.asarray(task.scene)[:, None] == np.asarray(task.scene)
    np.testing.assert_array_equal((own * same > 0), np.eye(len(own), dtype=bool))


def broken(**changes):
    scenes = small_files.squares(6)
    options = {"train": scenes, "test": scenes, "classes": 2, "sizes": ((8, 8),), "patch": 4}
    return lambda: Detection(**{**options, **changes})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (broken(classes=1), "classes of train: 0 to 1, expected 0 to 0"),
        (broken(background=1.0), "background = 1.0"),
        (broken(pace=0.0), "pace = 0.0"),
        (broken(sizes=((99, 8),)), "a window of 99 x 8, expected 1 x 1 to 24 x 32"),
        (broken(sizes=((24, 32),)), r"sizes = \(\(24, 32\),\): 0 windows show a thing"),
        (
            broken(test=small_files.squares(2)._replace(boxes=np.full((4, 4), 3.0))),
            r"boxes of test: \[3.0, 3.0, 3.0, 3.0\] and 3 others",
        ),
        (
            broken(test=small_files.squares(2)._replace(scene=np.arange(4))),
            "scenes of test: 0 to 3, expected 0 to 1",
        ),
        (broken(sizes=()), r"sizes = \(\): expected how many kinds of windows, or integers"),
        (
            broken(test=small_files.squares(2)._replace(classes=np.zeros((4, 1), int))),
            r"classes of test: shape \(4, 1\) and type int64, expected \[things\] of integers",
        ),
        (
            broken(test=small_files.squares(2)._replace(scene=np.array([0.0, 0.5, 1.0, 1.0]))),
            r"scenes of test: shape \(4,\) and type float64, expected \[things\] of integers",
        ),
        (
            broken(test=small_files.squares(2)._replace(images=np.ones((2, 24, 32, 1), np.uint8))),
            r"images of test: type uint8, expected floats in \[0, 1\]",
        ),
        (
            broken(
                test=small_files.squares(2)
                .some([0])
                ._replace(boxes=np.zeros((0, 4)), classes=np.zeros(0, int), scene=np.zeros(0, int))
            ),
            "boxes of test: none, expected one or more",
        ),
        (lambda: digit_scenes(size=10), "size = 10: expected an integer of 16"),
        (lambda: digit_scenes(magnified=()), r"magnified = \(\): expected one factor or more"),
        (lambda: digit_scenes(magnified=(1, -1)), "magnified = -1: expected an integer of 1"),
        (lambda: digit_scenes(magnified=(0,)), "magnified = 0: expected an integer of 1"),
        (lambda: digit_scenes(seed=-1), "seed = -1: expected an integer of 0 or more"),
        (
            broken(test=small_files.squares(2)._replace(images=np.full((2, 24, 32, 1), 2.0))),
            "images of test: floats from 2 to 2, expected 0 to 1",
        ),
        (
            broken(test=small_files.squares(2)._replace(images=np.full((2, 24, 32, 1), -0.1))),
            "images of test: floats from -0.1 to -0.1, expected 0 to 1",
        ),
    ],
)
def test_scenes_that_do_not_fit_are_refused(make, says):
    with pytest.raises(ValueError, match=says) as fault:
        make()
    assert "\n" not in str(fault.value)


def test_boxes_in_a_file(tmp_path):
    task = boxed_arrays(small_files.boxed(tmp_path), 2, 4, split="all")
    assert task.windows.sizes == ((8, 8), (12, 12)) and task.name == "squares (all pictures)"
    assert task.images.shape == (3, 24, 32, 1)
    score = average_precision(detect(oracle(task), task), truth(task), 2)
    assert score.mean == pytest.approx(1.0)


@pytest.mark.parametrize("sizes", [[12, 12], [], [[12, 12, 3]], [[12.5, 12]], "12", None])
def test_sizes_that_are_no_pairs_are_refused(sizes):
    boxes = small_files.squares(6).boxes
    assert _sizes([[12, 8]], boxes) == ((12, 8),) and _sizes(2, boxes) == ((8, 8), (12, 12))
    with pytest.raises(ValueError, match=r"sizes = .*: expected how many kinds .* \[\[12, 12\]\]"):
        _sizes(sizes, boxes)


def pixel(value, kind=np.float32):
    """The third picture has one of another value."""

    def change(x):
        x = (x / 255).astype(kind)
        x[2, 3, 4] = value
        return x

    return change


@pytest.mark.parametrize(
    ("key", "change", "says"),
    [
        ("x_test", lambda x: x.astype(int), "x_test: type int64, expected uint8 .0 to 255. or fl"),
        ("x_train", pixel(np.nan), "images of train: NaN .* in 1 of 12, the first in picture 2"),
        ("x_test", pixel(-np.inf), "images of test: NaN .* in 1 of 3, the first in picture 2"),
        ("x_test", pixel(1e300, float), "images of test: NaN or infinite values in 1 of 3"),
        ("x_test", lambda x: x[:, :0], r"images of test: shape \(3, 0, 32, 1\), expected"),
        ("boxcls_train", lambda k: k[:, None], r"boxcls_train: shape \(24, 1\).*reshape\(-1\)"),
        ("boximg_test", lambda k: k[:, None], r"boximg_test: shape \(6, 1\), expected \[boxes\]"),
        ("boxcls_train", lambda k: k + 0.5, r"boxcls_train: 0\.5 is no integer, expected numbers"),
        ("boximg_test", lambda k: k * np.nan, "boximg_test: nan is no integer"),
        (
            "boxcls_train",
            lambda k: 4 * k,
            "boxcls_train: label 4 out of range, for none has label 1",
        ),
        ("boxcls_train", lambda k: k.astype(int) - 1, "classes of train: -1 to 0, expected 0 to 0"),
        ("boxcls_test", lambda k: k + 1, "classes of test: 1 to 2, expected 0 to 1"),
        ("boxcls_train", lambda k: k[:0], r"boxes of train: shape \(24, 4\), 0 classes"),
    ],
)
def test_bad_files_of_boxes_are_refused(tmp_path, key, change, says):
    path = small_files.boxed(tmp_path)
    with np.load(path) as held:
        good = dict(held)
    assert boxed_arrays(path, 2, 4, split="all").images.sum() > 0
    np.savez(path, **good | {key: change(good[key])})
    with pytest.raises(ValueError, match=says) as fault:
        boxed_arrays(path, 2, 4, split="all")
    assert "\n" not in str(fault.value)


def test_floats_that_are_whole_number_boxes_as_well(tmp_path):
    path = small_files.boxed(tmp_path)
    before = boxed_arrays(path, 2, 4, split="all")
    with np.load(path) as held:
        floats = {k: v.astype(float) if k.startswith("boxcls") else v for k, v in held.items()}
    np.savez(path, **floats)
    after = boxed_arrays(path, 2, 4, split="all")
    assert before.things.any() and before.checksum != after.checksum
    np.testing.assert_array_equal(after.things, before.things)
