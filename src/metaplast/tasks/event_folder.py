"""A task from the user's own event recordings: a folder with one sub-folder for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metaplast.tasks.check import at_least
from metaplast.tasks.checksum import checksum
from metaplast.tasks.class_folders import class_folders
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.events import frames
from metaplast.tasks.pools import Pools, divide, known_split, title
from metaplast.tasks.recordings import READERS, recording


def event_folder(
    path: str | Path,
    height: int,
    width: int,
    bins: int = 1,
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
) -> Dataset:
    """Recordings of an event camera, counted in `bins` frames of 2 polarities, bin after bin.

    Args:
        path: a folder with one sub-folder for each class, or with the folders `train` and
            `test`, each of them such a folder; else a fifth is for tests. Each recording is a
            file of a form that `metaplast.tasks.recordings` knows by its ending: an `.npz` with
            `t x y p` (times in any unit, columns, rows, and polarities, brighter where above 0);
            a `.bin` of N-MNIST and N-Caltech101 (rename `Train` and `Test` of N-MNIST); an
            `.aedat` of jAER or cAER, as of CIFAR10-DVS. With `metaplast[events]` also an
            `.aedat4` of DV, a `.dat` or `.raw` of Prophesee, and an `.h5` or `.hdf5`.
        height, width: of the camera in pixels.
        bins: frames of a recording, equal spans of its time.
        moments: length of a life.
        held_out: test examples of an episode; by default 200, or as many as there are.
        split: see `metaplast.tasks.pools.divide`.

    Raises:
        FileNotFoundError: no such folder.
        ImportError: a library is missing that a form needs.
        ValueError: a wrong argument, no classes, files that are no recordings or are damaged.
    """
    path = Path(path)
    for argument, value in (("height", height), ("width", width), ("bins", bins)):
        at_least(argument, value, 1, "give a larger one")
    known_split(split)
    found = class_folders(path, tuple(READERS))
    pools = Pools(*(
        part for files in found[:2] for part in _read(files, (height, width), bins)
    ))  # fmt: skip
    return Dataset(
        *divide(pools, split), classes=len(found.classes), moments=moments, held_out=held_out,
        name=title(path.resolve().name, split), checksum=checksum(pools._asdict()),
    )  # fmt: skip


def _read(
    files: list[tuple[Path, int]], size: tuple[int, int], bins: int
) -> tuple[np.ndarray, np.ndarray]:
    seen = []
    for file, _ in files:
        events = recording(file, size)
        try:
            counts = frames(events["x"], events["y"], events["t"], events["p"], size, bins)
        except ValueError as fault:
            raise ValueError(f"data = {str(file)!r}: {fault}") from None
        seen.append(counts.reshape(-1))
    return np.stack(seen), np.array([label for _, label in files])
