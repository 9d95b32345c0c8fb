"""A task from spikes of many channels in HDF5: the form of the Heidelberg data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metaplast.tasks.check import at_least, count_classes
from metaplast.tasks.checksum import checksum
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.hdf5 import is_dataset, names, numbers, opened, whole
from metaplast.tasks.pools import Pools, divide, known_split, some_of, title


def spike_arrays(
    train: str | Path,
    test: str | Path,
    channels: int = 700,
    merged: int = 1,
    bins: int = 10,
    seconds: float | None = None,
    most: int = 10_000,
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
) -> Dataset:
    """Spikes counted in `bins` equal spans of time, bin after bin; needs h5py.

    The form is that of Spiking Heidelberg Digits (`shd_train.h5`, `shd_test.h5`, 20 classes) and
    Spiking Speech Commands (35 classes), unpacked: `spikes/times` and `spikes/units` with one row
    of any length for each example, and `labels`. As bins come first,
    `InSteps(spike_arrays(...), steps=bins)` lets a learner hear one bin in a moment.

    Args:
        train, test: the two files.
        channels: of the ear, or whatever spiked; units count from 0.
        merged: so many neighboring channels are counted together.
        bins: spans of time.
        seconds: from 0 to here spikes are counted, in the unit of `spikes/times`; by default to
            the last spike that is read of the train file.
        most: so many examples of each file are used, always the same ones.
        moments: length of a life.
        held_out: test examples of an episode; by default 200, or as many as there are.
        split: see `metaplast.tasks.pools.divide`.

    Raises:
        FileNotFoundError: no such file.
        ImportError: h5py is missing.
        ValueError: a wrong argument, no such file, spikes or labels that do not fit.

    References: Cramer et al. (2022) doi:10.1109/TNNLS.2020.3044364.
    """
    at_least("channels", channels, 1, "give how many there are")
    at_least("merged", merged, 1, "give how many neighbors are counted together")
    at_least("bins", bins, 1, "give the spans of time")
    at_least("most", most, 10, "give how many examples are read")
    known_split(split)
    if channels % merged:
        raise ValueError(
            f"merged = {merged}: expected a divisor of channels = {channels}; give one"
        )
    if seconds is not None and not 0 < seconds < np.inf:
        raise ValueError(f"seconds = {seconds!r}: expected more than 0; give the time to count")
    train, test = Path(train), Path(test)
    where = f"train = {str(train)!r}", f"test = {str(test)!r}"
    parts = [_read(train, "train", channels, most), _read(test, "test", channels, most)]
    classes = _classes(parts[0][2], parts[1][2], where)
    if seconds is None:
        seconds = max((float(t.max()) for t in parts[0][0] if len(t)), default=0.0)
        if seconds == 0:
            raise ValueError(f"{where[0]}: no spike after 0 s, expected some; give seconds")
    pools = Pools(*(
        array for times, units, labels, chosen in parts
        for array in (
            _counted(times, units, channels, merged, bins, seconds),
            labels[chosen].astype(np.int64),
        )
    ))  # fmt: skip
    return Dataset(
        *divide(pools, split, len(parts[0][2])), classes=classes, moments=moments,
        held_out=held_out, name=title(train.stem.removesuffix("_train"), split),
        checksum=checksum(pools._asdict()),
    )  # fmt: skip


def _read(
    path: Path, argument: str, channels: int, most: int
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
    """Times and units of each example that is used, labels of all, and which are used."""
    where = f"{argument} = {str(path)!r}"
    with opened(path, argument) as file:
        absent = [key for key in ("spikes/times", "spikes/units", "labels") if key not in file]
        if absent:
            raise ValueError(
                f"{where}: no {', '.join(absent)}, found {names(file)}; give files of "
                "the form of Spiking Heidelberg Digits"
            )
        labels = numbers(file["labels"], where)
        if labels.dtype.kind not in "iu" or len(labels) == 0:
            raise ValueError(
                f"{where}: {len(labels)} labels of type {labels.dtype}, expected integers, one for "
                "each example; save them so"
            )
        if labels.min() < 0:
            raise ValueError(
                f"{where}: label {labels.min()}, expected 0 or more; number the classes from 0"
            )
        chosen = some_of(len(labels), most)
        times, units = (_rows(file[f"spikes/{k}"], chosen, len(labels), where) for k in _SPIKES)
    for i, t, u in zip(chosen, times, units, strict=True):
        if len(t) != len(u):
            raise ValueError(
                f"{where}: example {i} has {len(t)} times and {len(u)} units, expected as many; "
                "fetch the file again"
            )
        if len(t) and not (np.isfinite(t).all() and t.min() >= 0):
            raise ValueError(
                f"{where}: example {i} has times from {t.min()} to {t.max()}, expected 0 or more; "
                "repair or remove it"
            )
        if len(u) and not (u.min() >= 0 and u.max() < channels):
            raise ValueError(
                f"{where}: example {i} has units {u.min()} to {u.max()}, expected 0 to "
                f"{channels - 1}; give as many channels as there are"
            )
    return times, units, labels, chosen


def _classes(train: np.ndarray, test: np.ndarray, where: tuple[str, str]) -> int:
    """How many there are, by all labels of the files, for those that are used may lack some."""
    classes = count_classes(train, where[0])
    if classes == 1:
        raise ValueError(
            f"{where[0]}: every label is 0, expected 2 classes or more, for a learner of one is "
            "always right; give examples of others"
        )
    if test.max() >= classes:
        raise ValueError(
            f"{where[1]}: label {test.max()}, expected 0 to {classes - 1} as in train; number the "
            "classes from 0, the same in both"
        )
    return classes


_SPIKES = ("times", "units")


def _rows(dataset, chosen: np.ndarray, count: int, where: str) -> list[np.ndarray]:
    """Rows of any length, those of `chosen` examples."""
    kind = "f" if dataset.name.endswith("times") else "iu"
    rows = whole(dataset, where) if is_dataset(dataset) else np.zeros(0)
    if rows.dtype.kind != "O" or rows.shape != (count,):
        raise ValueError(
            f"{where}: {dataset.name} has type {rows.dtype} and shape {rows.shape}, expected a row "
            f"of any length for each of {count} examples; give files of the form of Spiking "
            "Heidelberg Digits"
        )
    found = [np.asarray(rows[i]) for i in chosen]
    if not all(row.dtype.kind in kind and row.ndim == 1 for row in found):
        raise ValueError(
            f"{where}: {dataset.name} holds {found[0].dtype}, expected "
            f"{'times in floats' if kind == 'f' else 'integers'}; save it so"
        )
    return found


def _counted(
    times: list[np.ndarray], units: list[np.ndarray], channels: int, merged: int, bins: int,
    seconds: float,
) -> np.ndarray:  # fmt: skip
    """Counts `[examples, bins x channels / merged]`; spikes after `seconds` are left out."""
    width = channels // merged
    counts = np.zeros((len(times), bins * width), np.float32)
    for row, t, u in zip(counts, times, units, strict=True):
        t = t.astype(np.float64)
        heard = t <= seconds
        when = np.minimum((t[heard] / seconds * bins).astype(np.int64), bins - 1)
        place = when * width + u[heard].astype(np.int64) // merged
        row += np.bincount(place, minlength=bins * width)
    return counts
