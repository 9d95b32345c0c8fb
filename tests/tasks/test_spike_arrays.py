"""Spikes in the form of the Heidelberg data sets: counted right, refused in one line."""

import sys

import h5py
import jax
import numpy as np
import pytest

from metaplast.tasks import InSteps, spike_arrays
from tasks import small_files


def written(path, times, units, labels, kind="f4"):
    """A file of the form of Spiking Heidelberg Digits."""
    with h5py.File(path, "w") as file:
        for name, rows, dtype in (("times", times, kind), ("units", units, "u2")):
            held = file.create_dataset(
                f"spikes/{name}", (len(rows),), h5py.vlen_dtype(np.dtype(dtype))
            )
            for i, row in enumerate(rows):
                held[i] = np.asarray(row, dtype)
        file["labels"] = np.asarray(labels, "u2")
    return path


TIMES = [[0.0, 0.25, 0.5, 0.99], [1.0], []] * 4
UNITS = [[0, 1, 5, 4], [3], []] * 4


def test_spikes_are_counted_by_hand(tmp_path):
    path = written(tmp_path / "a_train.h5", TIMES, UNITS, [0, 1, 2] * 4)
    task = spike_arrays(path, path, channels=6, bins=2, split="all")
    first = np.zeros((2, 6))
    first[0, [0, 1]] = 1
    first[1, [5, 4]] = 1
    np.testing.assert_array_equal(task.x_train[0], first.reshape(-1))
    assert task.x_train[1].sum() == 1 == task.x_train[1, 6 + 3] and task.x_train[2].sum() == 0
    assert (task.name, task.classes, task.y_test.tolist()[:3]) == ("a (all examples)", 3, [0, 1, 2])
    pairs = spike_arrays(path, path, channels=6, merged=2, bins=2, split="all")
    np.testing.assert_array_equal(
        pairs.x_train, np.asarray(task.x_train).reshape(12, 2, 3, 2).sum(-1).reshape(12, -1)
    )
    early = spike_arrays(path, path, channels=6, bins=2, seconds=0.5, split="all")
    assert early.x_train[0].sum() == 3 and early.x_train[1].sum() == 0
    np.testing.assert_array_equal(early.x_train[0].reshape(2, 6).argmax(1), [0, 1])
    assert early.checksum != task.checksum


def test_the_form_of_the_published_files_can_be_learned_from(tmp_path):
    train, test = small_files.spikes(tmp_path)
    task = spike_arrays(train, test, channels=6, bins=4, moments=12, held_out=6, split="all")
    assert (task.x_train.shape, task.x_test.shape, task.classes) == ((45, 24), (12, 24), 3)
    np.testing.assert_array_equal(np.asarray(task.x_train).sum(axis=1), 8)
    pair = np.asarray(task.x_test).reshape(12, 4, 3, 2).sum(axis=(1, 3))
    np.testing.assert_array_equal(pair, 8 * np.eye(3)[np.asarray(task.y_test)])
    assert spike_arrays(train, test, channels=6, most=10, split="all").x_train.shape[0] == 10
    search = spike_arrays(train, test, channels=6, bins=4, split="search")
    bench = spike_arrays(train, test, channels=6, bins=4, most=20)
    seen = {x.tobytes() for x in np.concatenate([search.x_train, search.x_test])}
    lived = {x.tobytes() for x in np.asarray(bench.x_train)}
    assert (len(seen), len(lived)) == (18, 12) and not seen & lived  # however many either reads
    steps = InSteps(task, 4)
    episode = steps.sample(jax.random.key(0))
    assert (steps.inputs, episode.stimuli.shape) == (7, (48, 7))


def replaced(key, value):
    def spoil(path):
        with h5py.File(path, "a") as file:
            del file[key]
            if value is not None:
                file[key] = value

    return spoil


def longer(path):
    with h5py.File(path, "a") as file:
        file["spikes/units"][4] = np.arange(3, dtype="u2")


def put(key, value):
    def spoil(path):
        with h5py.File(path, "a") as file:
            file[key][4] = np.asarray(value, file[key][4].dtype)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: p.write_bytes(p.read_bytes()[:-3]), "no HDF5 file that can be read"),
        (lambda p: p.write_bytes(b""), "no HDF5 file that can be read"),
        (replaced("labels", None), "no labels, found spikes; give files of the form"),
        (replaced("spikes/times", None), "no spikes/times, found labels, spikes"),
        (replaced("labels", np.full(12, 0.5)), "12 labels of type float64, expected integers"),
        (replaced("labels", np.zeros(0, int)), "0 labels of type int64, expected integers"),
        (replaced("labels", np.zeros((12, 2), int)), r"/labels has .* shape \(12, 2\), expected"),
        (replaced("labels", np.zeros(11, int)), r"/spikes/times has type object and shape \(12,\)"),
        (replaced("spikes/units", np.zeros((12, 4))), r"/spikes/units has type float64 and shape"),
        (longer, "example 4 has 1 times and 3 units, expected as many"),
        (put("spikes/times", [-1.0]), r"example 4 has times from -1\.0 to -1\.0, expected 0 or"),
        (put("spikes/times", [np.nan]), "example 4 has times from nan to nan, expected 0 or"),
        (put("spikes/units", [6]), "example 4 has units 6 to 6, expected 0 to 5; give as many"),
    ],
)
def test_bad_files_are_refused(tmp_path, spoil, says):
    good = written(tmp_path / "good.h5", TIMES, UNITS, [0, 1, 2] * 4)
    bad = written(tmp_path / "bad.h5", TIMES, UNITS, [0, 1, 2] * 4)
    assert spike_arrays(good, bad, channels=6).x_test.sum() > 0
    spoil(bad)
    with pytest.raises(ValueError, match=rf"test = '.*bad\.h5': .*{says}") as fault:
        spike_arrays(good, bad, channels=6)
    assert "\n" not in str(fault.value)
    with pytest.raises(ValueError, match=rf"train = '.*bad\.h5': .*{says}"):
        spike_arrays(bad, good, channels=6)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"channels": 0}, "channels = 0: expected an integer of 1 or more"),
        ({"merged": 4}, "merged = 4: expected a divisor of channels = 6; give one"),
        ({"bins": 0}, "bins = 0: expected an integer"),
        ({"most": 9}, "most = 9: expected an integer of 10 or more"),
        ({"seconds": 0.0}, r"seconds = 0\.0: expected more than 0"),
        ({"seconds": float("nan")}, "seconds = nan: expected more than 0"),
        ({"split": "some"}, "split = 'some': give one of"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, options, says):
    path = written(tmp_path / "a.h5", TIMES, UNITS, [0, 1, 2] * 4)
    assert spike_arrays(path, path, channels=6).classes == 3
    with pytest.raises(ValueError, match=says):
        spike_arrays(path, path, **{"channels": 6} | options)


LABELS = np.arange(80) % 4
"""Twenty of each class, so that none is absent by chance."""


def toned(path, labels):
    return written(path, [[0.1, 0.9]] * len(labels), [[0, 5]] * len(labels), labels)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (LABELS + 1, "label 4 out of range, for none has label 0, expected every label"),
        (2 * LABELS, "label 6 out of range, for none has label 1, expected .* 4 classes from 0"),
        (np.r_[LABELS[1:], 65535], "label 65535 out of range, for none has label 4"),
        (0 * LABELS, "every label is 0, expected 2 classes or more"),
    ],
)
def test_labels_that_skip_classes_are_refused(tmp_path, labels, says):
    good, bad = toned(tmp_path / "good.h5", LABELS), toned(tmp_path / "bad.h5", labels)
    task = spike_arrays(good, good, channels=6)
    assert task.classes == 4 and task.x_train.sum() > 0
    with pytest.raises(ValueError, match=rf"train = '.*bad\.h5': {says}") as fault:
        spike_arrays(bad, good, channels=6)
    assert "\n" not in str(fault.value)


def test_labels_of_the_two_files_are_the_same(tmp_path):
    good, bad = toned(tmp_path / "good.h5", LABELS), toned(tmp_path / "bad.h5", LABELS + 1)
    with pytest.raises(ValueError, match=r"test = '.*bad\.h5': label 4, expected 0 to 3 as in tr"):
        spike_arrays(good, bad, channels=6)
    with h5py.File(bad, "a") as file:
        del file["labels"]
        file["labels"] = LABELS - 1
    for files, which in (((good, bad), "test"), ((bad, good), "train")):
        with pytest.raises(ValueError, match=rf"{which} = '.*bad\.h5': label -1, expected 0 or"):
            spike_arrays(*files, channels=6)


def test_classes_are_those_of_the_whole_file(tmp_path):
    """Few examples may show few classes by chance, and that is no gap."""
    path = toned(tmp_path / "a.h5", np.arange(40) % 20)
    task = spike_arrays(path, path, channels=6, most=10, split="all")
    assert task.classes == 20 > np.unique(task.y_train).size > 1


def test_silence_says_nothing_of_time(tmp_path):
    path = written(tmp_path / "a.h5", [[]] * 12, [[]] * 12, [0, 1, 2] * 4)
    with pytest.raises(ValueError, match=r"train = .*no spike after 0 s, expected some"):
        spike_arrays(path, path, channels=6)
    assert spike_arrays(path, path, channels=6, seconds=1.0).x_train.sum() == 0


def test_missing_files_and_library(tmp_path, monkeypatch):
    path = written(tmp_path / "a.h5", TIMES, UNITS, [0, 1, 2] * 4)
    with pytest.raises(FileNotFoundError, match=r"test = '.*gone\.h5': no such file"):
        spike_arrays(path, tmp_path / "gone.h5", channels=6)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"needs the library `h5py`.*metaplast\[events\]"):
        spike_arrays(path, path, channels=6)
