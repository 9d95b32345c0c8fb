"""Data sets in files of a form of their own: what is in them, and what they are checked for."""

import io
import os
import sys
import warnings
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from metaplast.tasks import cifar10, named, nmnist, omniglot
from metaplast.tasks.checksum import KNOWN, checksum
from tasks import small_files


def test_omniglot_keeps_characters_and_drawers(tmp_path):
    task = omniglot(split="all", path=small_files.omniglot(tmp_path))
    assert (task.classes, task.inputs) == (4, 784)
    for x, y, drawers in (
        (task.x_train, task.y_train, range(15)), (task.x_test, task.y_test, range(15, 20)),
    ):  # fmt: skip
        images = np.asarray(x).reshape(-1, 28, 28)
        assert len(images) == 4 * len(drawers) and set(np.unique(images)) == {0.0, 1.0}
        np.testing.assert_array_equal(images[:, :27].sum(axis=2).argmax(axis=1), y)
        assert {*images[:, 27].argmax(axis=1)} == set(drawers)
    searched = omniglot(split="search", path=small_files.omniglot(tmp_path))
    rows = [{row.tobytes() for row in np.asarray(t.x_train)} for t in (task, searched)]
    bench = {
        r.tobytes() for r in np.asarray(omniglot(path=tmp_path / "own_characters.npz").x_train)
    }
    assert rows[1] < rows[0] and not rows[1] & bench


def test_colors_survive_as_well_as_jpeg_lets_them(tmp_path):
    task = cifar10(split="all", path=small_files.cifar10(tmp_path))
    x, y = small_files.shades(60, (32, 32, 3))
    original = x.reshape(60, -1) / 255
    assert np.abs(np.asarray(task.x_train) - original).mean() < 0.03
    assert np.abs(np.asarray(task.x_train)[::-1] - original).mean() > 0.1  # the control
    np.testing.assert_array_equal(task.y_train, y)
    few = cifar10(split="all", path=tmp_path / "own_colors.npz", most=10)
    known = [row.tobytes() for row in np.asarray(task.x_train)]
    chosen = [known.index(row.tobytes()) for row in np.asarray(few.x_train)]
    np.testing.assert_array_equal(few.y_train, task.y_train[np.array(chosen)])
    assert len(set(chosen)) == 10 == few.x_test.shape[0] and max(chosen) > 30  # not the first ones


def test_pillow_is_asked_for_in_one_line(tmp_path, monkeypatch):
    path = small_files.cifar10(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"cifar10: needs Pillow.*metaplast\[data\]") as fault:
        cifar10(path=path)
    assert "\n" not in str(fault.value)


def test_event_frames_hold_every_event(tmp_path):
    task = nmnist(split="all", path=small_files.nmnist(tmp_path), bins=4)
    seen = np.asarray(task.x_train).reshape(30, 4, 2, 34, 34)
    np.testing.assert_array_equal(seen.sum(axis=(1, 2, 3, 4)), 12)
    np.testing.assert_array_equal(seen.sum(axis=(1, 2, 4)).argmax(axis=1), task.y_train)
    whole = nmnist(split="all", path=tmp_path / "own_events.npz", bins=1)
    np.testing.assert_array_equal(whole.x_train.reshape(seen[:, 0].shape), seen.sum(axis=1))


@pytest.mark.parametrize(
    ("make", "read", "spoil", "says"),
    [
        (small_files.omniglot, omniglot, {"images_packed": np.zeros((3, 98), "u1")}, "20 images"),
        (small_files.omniglot, omniglot, {"images_packed": np.zeros((20, 98))}, "type float64"),
        (small_files.cifar10, cifar10, {"len_train": np.full(60, 3)}, "180 and 60 by len_train"),
        (small_files.cifar10, cifar10, {"y_test": np.zeros(3, int)}, "3 labels in test"),
        (small_files.nmnist, nmnist, {"n_events_train": np.full(30, 11)}, "330 and 30 by"),
        (small_files.nmnist, nmnist, {"label_test": np.array(["a"] * 8)}, "label_test has type"),
        (small_files.nmnist, nmnist, {"ev_x_test": np.full(96, 34, "u1")}, "test, x, y: from"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_themselves_are_refused(tmp_path, make, read, spoil, says):
    path = make(tmp_path)
    with np.load(path) as file:
        np.savez(path, **{**file, **spoil})
    with pytest.raises(ValueError, match=says) as fault:
        read(path=path)
    assert "\n" not in str(fault.value) and str(path) in str(fault.value)


def test_bare_names_find_the_files(tmp_path, monkeypatch):
    monkeypatch.setenv("METAPLAST_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="data = 'omniglot28_background': nothing of that"):
        named("omniglot")
    small_files.omniglot(tmp_path).rename(tmp_path / "omniglot28_background.npz")
    with pytest.warns(UserWarning, match="sha256"):
        assert named("omniglot", 20, 5).name == "omniglot"
    with pytest.warns(UserWarning, match="sha256"):
        assert named("omniglot28_background", 20, 5).name == "omniglot"
    # One's own file of just this name comes first, in the usual form.
    x, y = small_files.shades(30, (5,))
    np.savez(tmp_path / "cifar10.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    assert named("cifar10", 5, 5).inputs == 5


def test_a_checksum_sees_every_value_shape_and_type():
    a = {"x": np.arange(6, dtype=np.uint8), "y": np.arange(2)}
    first = checksum(a)
    assert len(first) == 64 and checksum(dict(reversed(a.items()))) == first
    assert checksum({**a, "y": np.arange(2).astype(">i8")}) == first  # the same values
    others = [
        {**a, "x": a["x"][::-1]},
        {**a, "x": a["x"].reshape(2, 3)},
        {**a, "y": np.arange(2, dtype=np.int32)},
        {"x": a["x"], "z": a["y"]},
    ]
    assert len({first, *map(checksum, others)}) == 5


def test_another_file_of_a_known_name_is_warned_of(tmp_path, monkeypatch):
    x, y = small_files.shades(30, (5,))
    arrays = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.warns(UserWarning, match="data = 'mnist': sha256 .* expected") as said:
        task = named(tmp_path / "mnist.npz", 5)
    assert "\n" not in str(said[0].message) and task.checksum == checksum(arrays)
    monkeypatch.setitem(KNOWN, "mnist", checksum(arrays))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        named(tmp_path / "mnist.npz", 5)


@pytest.mark.parametrize(
    ("name", "inputs", "classes"),
    [
        ("omniglot28_background", 784, 964), ("nmnist_small", 3 * 2 * 34 * 34, 10),
        ("fsdd_mel", 32 * 64, 10), ("coil20", 1024, 20),
    ],
)  # fmt: skip
def test_the_files_themselves(name, inputs, classes):
    if not (Path(os.environ.get("METAPLAST_DATA", "")) / f"{name}.npz").is_file():
        pytest.skip(f"{name}.npz is not in the folder METAPLAST_DATA")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the checksum is the known one
        task = named(name, 50, 50)
    assert (task.inputs, task.classes) == (inputs, classes)
    episode = task.sample(jax.random.key(0))
    assert np.isfinite(episode.stimuli).all() and np.std(episode.stimuli) > 0


@pytest.mark.parametrize(("searched", "compared"), [(60, 60), (20, 60), (60, 20), (30, 40)])
def test_a_search_sees_no_example_of_a_comparison_however_many_either_reads(
    searched, compared, tmp_path
):
    path = small_files.cifar10(tmp_path)
    search = cifar10(split="search", most=searched, path=path)
    bench = cifar10(most=compared, path=path)
    seen, lived = rows(search.x_train, search.x_test), rows(bench.x_train)
    assert (len(seen), len(lived)) == (searched * 4 // 10, compared - compared * 4 // 10)
    assert not seen & lived
    assert lived <= rows(cifar10(split="all", most=compared, path=path).x_train)  # the control


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ((28, 28), "example 3 of train has 28 x 28 pixels, expected 32 x 32"),
        ((1, 32), "example 3 of train has 32 x 1 pixels"),  # NumPy would repeat its row
        (None, "example 3 of train is no picture that can be read"),
        ((32, 32), None),  # the control
    ],
)
def test_a_picture_that_is_none_of_cifar10_is_refused(broken, says, tmp_path):
    path = small_files.cifar10(tmp_path)
    raw = dict(np.load(path))
    ends = np.cumsum(raw["len_train"].astype(int))
    file = io.BytesIO()
    if broken:
        Image.fromarray(np.full((*broken, 3), 90, np.uint8)).save(file, "JPEG")
    body = np.frombuffer(file.getvalue() or b"x" * 50, np.uint8)
    whole = raw["jpeg_train"]
    raw["jpeg_train"] = np.concatenate([whole[: ends[2]], body, whole[ends[3] :]])
    raw["len_train"][3] = len(body)
    np.savez(path, **raw)
    if says is None:
        assert cifar10(path=path).inputs == 3072
        return
    with pytest.raises(ValueError, match=f"own_colors.npz': {says}.*; fetch the file again"):
        cifar10(path=path)


def rows(*pools):
    return {row.tobytes() for pool in pools for row in np.asarray(pool)}


def test_cifar10_itself():
    file = Path(os.environ.get("METAPLAST_DATA", "")) / "cifar10_jpeg_full.npz"
    if not file.is_file():
        pytest.skip("cifar10_jpeg_full.npz is not in the folder METAPLAST_DATA")
    task = cifar10(most=100, split="all", path=file)
    assert task.x_train.shape == (100, 3072) and len(np.unique(task.y_train)) == 10
    images = np.asarray(task.x_train).reshape(100, 32, 32, 3)
    # Neighbors are alike in a picture, and not in one that was taken apart wrongly.
    assert np.corrcoef(images[:, 1:].ravel(), images[:, :-1].ravel())[0, 1] > 0.9
