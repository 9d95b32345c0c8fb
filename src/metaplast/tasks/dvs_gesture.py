"""DVS128 Gesture: eleven gestures of hands and arms, as an event camera saw them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from metaplast.tasks.check import at_least
from metaplast.tasks.checksum import checksum
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.events import frames
from metaplast.tasks.pools import Pools, divide, known_split, title
from metaplast.tasks.recordings.aedat import read_aedat
from metaplast.tasks.whole_file import whole_file

SIDE, CLASSES = 128, 11
LISTS = {"train": "trials_to_train.txt", "test": "trials_to_test.txt"}
COLUMNS = ("class", "startTime_usec", "endTime_usec")


def dvs_gesture(
    path: str | Path,
    merged: int = 4,
    bins: int = 4,
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
) -> Dataset:
    """The unpacked folder `DvsGesture`: events counted in `bins` frames of 2 polarities.

    A recording of one person holds a dozen trials; a table beside it says which gesture was made
    from when to when. Events between trials are left out. Inputs come bin after bin, so
    `InSteps(dvs_gesture(...), steps=bins)` shows one frame in a moment.

    Args:
        path: a folder with `trials_to_train.txt` and `trials_to_test.txt`, which list recordings
            (`.aedat`), and beside each of these a table that ends in `_labels.csv`.
        merged: so many neighboring pixels are counted together along each side of 128.
        bins: frames of a trial, equal spans of its time.
        moments: length of a life.
        held_out: test examples of an episode; by default 200, or as many as there are.
        split: see `metaplast.tasks.pools.divide`.

    Raises:
        FileNotFoundError: no such folder, or a file is missing.
        ValueError: a wrong argument, lists, tables or recordings that cannot be read, a trial
            without events.

    References: Amir et al. (2017) doi:10.1109/CVPR.2017.781.
    """
    path = Path(path)
    at_least("merged", merged, 1, "give how many neighbors are counted together")
    at_least("bins", bins, 1, "give the frames of a trial")
    known_split(split)
    if SIDE % merged:
        raise ValueError(f"merged = {merged}: expected a divisor of {SIDE}; give one")
    if not path.is_dir():
        raise FileNotFoundError(f"data = {str(path)!r}: no such folder; check the path")
    pools = Pools(*(part for name in LISTS.values() for part in _read(path / name, merged, bins)))
    return Dataset(
        *divide(pools, split), classes=CLASSES, moments=moments, held_out=held_out,
        name=title("dvs_gesture", split), checksum=checksum(pools._asdict()),
    )  # fmt: skip


def _read(listed: Path, merged: int, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames `[trials, inputs]` and labels of all recordings of a list."""
    names = whole_file(listed).decode("utf-8", "replace").split()
    if not names:
        raise ValueError(
            f"data = {str(listed)!r}: no names in it, expected those of recordings; fetch it again"
        )
    seen, labels = [], []
    for name in names:
        file = listed.parent / name
        events = read_aedat(file, (SIDE, SIDE))
        time = events["t"]
        for label, start, end in _trials(file.with_name(f"{file.stem}_labels.csv")):
            during = (time >= start) & (time < end)
            if not during.any():
                raise ValueError(
                    f"data = {str(file)!r}: no events from {start} to {end} us, expected those of "
                    f"gesture {label}; fetch the recording and its table again"
                )
            x, y, t, p = (events[key][during] for key in "xytp")
            try:
                counts = frames(x, y, t, p, (SIDE, SIDE), bins)
            except ValueError as fault:
                raise ValueError(f"data = {str(file)!r}: {fault}") from None
            seen.append(_together(counts, merged).reshape(-1))
            labels.append(label - 1)
    return np.stack(seen), np.array(labels)


def _together(counts: np.ndarray, merged: int) -> np.ndarray:
    """Counts of squares of `merged` x `merged` pixels."""
    side = SIDE // merged
    return counts.reshape(*counts.shape[:2], side, merged, side, merged).sum(axis=(3, 5))


def _trials(table: Path) -> list[tuple[int, int, int]]:
    """Gesture, from 1, and the time in us when it begins and ends, of each trial."""
    text = whole_file(table).decode("utf-8-sig", "replace")
    rows = csv.DictReader(text.splitlines())
    try:
        trials = [
            (int(row[COLUMNS[0]]), int(row[COLUMNS[1]]), int(row[COLUMNS[2]])) for row in rows
        ]
    except (KeyError, TypeError, ValueError):
        trials = []
    if not trials or any(not 1 <= label <= CLASSES for label, _, _ in trials):
        raise ValueError(
            f"data = {str(table)!r}: expected the columns {', '.join(COLUMNS)} with integers, and "
            f"classes from 1 to {CLASSES}; fetch it again"
        )
    return trials
