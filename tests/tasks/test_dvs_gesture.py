"""Trials are cut out of recordings by their tables; what is damaged is refused in one line."""

import numpy as np
import pytest

from metaplast.tasks import dvs_gesture
from tasks import small_files


def test_trials_are_cut_out_and_counted(tmp_path):
    path = small_files.gestures(tmp_path)
    task = dvs_gesture(path, merged=32, bins=3, split="all")
    assert (task.x_train.shape, task.x_test.shape, task.classes) == ((16, 96), (8, 96), 11)
    for x, y in ((task.x_train, task.y_train), (task.x_test, task.y_test)):
        counts = np.asarray(x).reshape(-1, 3, 2, 4, 4)
        np.testing.assert_array_equal(y, np.arange(len(y)) % 4)
        np.testing.assert_array_equal(counts.sum(axis=(1, 2, 3)), 30 * np.eye(4)[np.asarray(y)])
    whole = dvs_gesture(path, merged=1, bins=3, split="all")
    squares = np.asarray(whole.x_test).reshape(8, 3, 2, 4, 32, 4, 32).sum(axis=(4, 6))
    np.testing.assert_array_equal(squares.reshape(8, -1), task.x_test)
    assert whole.checksum != task.checksum
    assert dvs_gesture(path, merged=32, bins=3).x_train.shape == (10, 96)


def swap(name, old, new):
    def spoil(path):
        raw = (path / name).read_bytes()
        assert raw.count(old)
        (path / name).write_bytes(raw.replace(old, new))

    return spoil


def cut(path):
    file = path / "user03_led.aedat"
    file.write_bytes(file.read_bytes()[:-5])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (cut, r"user03_led\.aedat': in the packet .* bytes are left"),
        (swap("trials_to_test.txt", b"user03_led.aedat", b""), "test.txt': no names in it"),
        (
            swap("user01_led_labels.csv", b"class", b"kind"),
            r"user01_led_labels\.csv': expected the",
        ),
        (
            swap("user01_led_labels.csv", b"2,2000,2500", b"2,2000"),
            "expected the columns class",
        ),
        (swap("user01_led_labels.csv", b"2,2000", b"12,2000"), "classes from 1 to 11"),
        (swap("user01_led_labels.csv", b"2,2000", b"0,2000"), "classes from 1 to 11"),
        (swap("user01_led_labels.csv", b"2,2000,2500", b"2,20,25"), "no events from 20 to 25 us"),
    ],
)
def test_damaged_files_are_refused(tmp_path, spoil, says):
    path = small_files.gestures(tmp_path)
    assert dvs_gesture(path, 32).x_train.sum() > 0
    spoil(path)
    with pytest.raises(ValueError, match=f"data = '.*{says}") as fault:
        dvs_gesture(path, 32)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    "name", ["trials_to_train.txt", "user02_lab.aedat", "user02_lab_labels.csv"]
)
def test_missing_files_are_named(tmp_path, name):
    path = small_files.gestures(tmp_path)
    assert dvs_gesture(path, 32).classes == 11
    (path / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{name}': no such file"):
        dvs_gesture(path, 32)


def test_bad_arguments_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone': no such folder"):
        dvs_gesture(tmp_path / "gone")
    with pytest.raises(ValueError, match="merged = 3: expected a divisor of 128; give one"):
        dvs_gesture(tmp_path, 3)
    with pytest.raises(ValueError, match="bins = 0"):
        dvs_gesture(tmp_path, 4, 0)
