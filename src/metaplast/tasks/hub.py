"""A task from the hub of data sets of Hugging Face, through their library."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from metaplast.tasks.check import at_least
from metaplast.tasks.checksum import checksum
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.pictures import pixels
from metaplast.tasks.pools import Pools, divide, known_split, some_of, title


def hub(
    name: str,
    image: str = "image",
    label: str = "label",
    size: int = 28,
    color: bool = False,
    most: int = 10_000,
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
    sha256: str = "",
) -> Dataset:
    """Labelled pictures of the hub, in [0, 1]; needs the network, `datasets` and Pillow.

    No code of the data set is run. What was fetched once is read from the library's cache.

    Args:
        name: of the data set on the hub, with `train` and `test`; or the path of a folder of
            files that the library loads as such.
        image, label: its columns.
        size: side of the pictures in pixels; others are squeezed or stretched.
        color: three inputs a pixel instead of one.
        most: so many examples of `train` and of `test` are used, always the same ones.
        moments: length of a life.
        held_out: test examples of an episode; by default 200, or as many as there are.
        split: see `metaplast.tasks.pools.divide`.
        sha256: what the pictures and labels have to sum to, as a page of results tells it, or the
            first digits of that; the hub may change a data set under its name. Any by default.

    Raises:
        ImportError: a library is missing.
        ValueError: a wrong argument, no such data set, no connection, no such columns or
            columns of other things, other pictures than were expected.
    """
    at_least("size", size, 1, "give the side of the pictures in pixels")
    at_least("most", most, 10, "give how many examples are read")
    known_split(split)
    loaded = [_loaded(name, part) for part in _PARTS]
    parts = [_read(rows, name, image, label, size, color, most) for rows in loaded]
    pools = Pools(*(array for part in parts for array in part))
    classes = int(max(pools.y_train.max(), pools.y_test.max())) + 1
    found = checksum(pools._asdict())
    if not found.startswith(sha256.lower()):
        raise ValueError(
            f"sha256 = {sha256!r}: {name} has {found[:16]}... in {size} x {size} pixels, so it is "
            "another data set by now, or read in another way; leave sha256 out to take it as it is"
        )
    return Dataset(
        *divide(pools, split, len(loaded[0])), classes=classes, moments=moments, held_out=held_out,
        name=title(name, split), checksum=found,
    )  # fmt: skip


_PARTS = ("train", "test")


def _loaded(name: str, part: str) -> Any:
    try:
        library = importlib.import_module("datasets")
    except ImportError:
        raise ImportError(
            "hub: needs the library `datasets`, which is not installed; "
            "try: python -m pip install 'metaplast[hub]'"
        ) from None
    try:
        return library.load_dataset(name, split=part)
    except Exception as fault:  # the library raises whatever its own network libraries do
        said = (str(fault).strip().splitlines() or [""])[0][:200]
        raise ValueError(
            f"name = {name!r}: {part} could not be loaded from the hub ({type(fault).__name__}: "
            f"{said}); check the name and the connection, or give files (image_folder, arrays)"
        ) from None


def _read(
    rows: Any, name: str, image: str, label: str, size: int, color: bool, most: int
) -> tuple[np.ndarray, np.ndarray]:
    for argument, column in (("image", image), ("label", label)):
        if column not in rows.column_names:
            raise ValueError(
                f"{argument} = {column!r}: {name} has {', '.join(rows.column_names)}; give one"
            )
    x, y = [], []
    for row in rows.select(some_of(len(rows), most).tolist()):
        if not hasattr(row[image], "convert"):
            raise _other("image", image, name, row[image], "pictures")
        if isinstance(row[label], bool) or not isinstance(row[label], int):
            raise _other("label", label, name, row[label], "the numbers of classes")
        x.append(pixels(row[image], (size, size), color, f"name = {name!r}").reshape(-1))
        y.append(row[label])
    return np.stack(x), np.array(y)


def _other(argument: str, column: str, name: str, found: Any, expected: str) -> ValueError:
    return ValueError(
        f"{argument} = {column!r}: in {name} it holds {type(found).__name__}, expected {expected}; "
        "give the column of these"
    )
