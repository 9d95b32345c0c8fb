"""A task from the user's own pictures: a folder with one sub-folder for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metaplast.tasks.check import at_least
from metaplast.tasks.checksum import checksum
from metaplast.tasks.class_folders import class_folders
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.pictures import SUFFIXES, picture
from metaplast.tasks.pools import Pools, divide, known_split, title


def image_folder(
    path: str | Path,
    size: int = 28,
    color: bool = False,
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
) -> Dataset:
    """Pictures in class folders, brought to `size` x `size` pixels, in [0, 1]; needs Pillow.

    They are turned upright, and what is transparent is laid on white: `metaplast.tasks.pictures`.

    Args:
        path: a folder with one sub-folder of pictures for each class, or with the folders
            `train` and `test` (or `val`), each of them such a folder; else a fifth is for tests.
        size: side of the pictures in pixels; others are squeezed or stretched.
        color: three inputs a pixel instead of one.
        moments: length of a life.
        held_out: test examples of an episode; by default 200, or as many as there are.
        split: see `metaplast.tasks.pools.divide`.

    Raises:
        FileNotFoundError: no such folder.
        ImportError: Pillow is missing.
        ValueError: a wrong argument, no classes, files that are no pictures.
    """
    path = Path(path)
    at_least("size", size, 1, "give the side of the pictures in pixels")
    known_split(split)
    found = class_folders(path, SUFFIXES)
    pools = Pools(*(part for files in found[:2] for part in _read(files, size, color)))
    return Dataset(
        *divide(pools, split), classes=len(found.classes), moments=moments, held_out=held_out,
        name=title(path.resolve().name, split), checksum=checksum(pools._asdict()),
    )  # fmt: skip


def _read(files: list[tuple[Path, int]], size: int, color: bool) -> tuple[np.ndarray, np.ndarray]:
    x = np.stack([picture(file, (size, size), color).reshape(-1) for file, _ in files])
    return x, np.array([label for _, label in files])
