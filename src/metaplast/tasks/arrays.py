"""A task from the user's own files: an `.npz`, or IDX files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from metaplast.tasks.check import at_least, check_examples, check_width, count_classes
from metaplast.tasks.checksum import verified
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.idx import find_idx, read_idx
from metaplast.tasks.pools import Pools, divide, known_split, title
from metaplast.tasks.stored import stored

_KEYS = Pools._fields


def arrays(
    path: str | Path,
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
    classes: int | None = None,
) -> Dataset:
    """Any labelled examples: an `.npz` with `x_train y_train x_test y_test`, or IDX files.

    Examples of any shape are flattened; uint8 is divided by 255, floats are kept.
    Nothing in the file can run code: pickled objects are refused.

    Args:
        path: an `.npz`, a folder of IDX files in MNIST's naming, or one of these files.
        moments: length of a life.
        held_out: test examples of an episode; by default 200, or as many as there are.
        split: `search` draws from four tenths of the train examples, `bench` from the
            others, `all` from all; see `metaplast.tasks.pools.divide`.
        classes: number of classes; by default the highest train label and one.

    Raises:
        FileNotFoundError: no such file.
        ValueError: missing keys, objects, values that are not finite, labels that are
            negative, not integers, out of range or all the same, shapes that do not fit, too few
            examples.
    """
    path = Path(path)
    at_least("moments", moments, 1, "give the length of a life")
    known_split(split)
    if not path.exists():
        raise FileNotFoundError(f"data = {str(path)!r}: no such file or folder; check the path")
    pools, name = _npz(path) if _is_npz(path) else _idx(path)
    sum_ = verified(name, pools._asdict())
    pools = pools._replace(
        x_train=_stimuli(pools.x_train, "x_train"), x_test=_stimuli(pools.x_test, "x_test")
    )
    check_width(pools.x_train, pools.x_test)
    asked = classes
    classes = count_classes(pools.y_train, "y_train") if asked is None else asked
    check_examples(pools.x_train, pools.y_train, classes, "train")
    if asked is None and classes == 1:
        raise ValueError(
            "y_train: every label is 0, expected 2 classes or more, for a learner of one is always "
            "right; give examples of others"
        )
    check_examples(pools.x_test, pools.y_test, classes, "test")
    pools = divide(pools, split)
    return Dataset(
        *pools, classes=classes, moments=moments, held_out=held_out, name=title(name, split),
        checksum=sum_,
    )  # fmt: skip


def _is_npz(path: Path) -> bool:
    return path.suffix == ".npz" or (path.is_file() and zipfile.is_zipfile(path))


def _npz(path: Path) -> tuple[Pools, str]:
    return Pools(**stored(path, _KEYS)), path.stem


def _idx(path: Path) -> tuple[Pools, str]:
    files = find_idx(path)
    folder = path if path.is_dir() else path.parent
    return Pools(*(read_idx(files[key]) for key in _KEYS)), folder.resolve().name


def _stimuli(x: np.ndarray, argument: str) -> np.ndarray:
    """Flat float32 examples in natural units."""
    if x.ndim < 2 or 0 in x.shape[1:]:
        raise ValueError(
            f"{argument}: shape {x.shape}, expected [examples, ...]; give one row for each "
            "example, of 1 value or more"
        )
    if x.dtype.kind in "iu" and x.dtype != np.uint8:
        raise ValueError(
            f"{argument}: type {x.dtype}, expected uint8 (0 to 255) or floats; save it so"
        )
    width = int(np.prod(x.shape[1:]))
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
        flat = x.reshape(x.shape[0], width).astype(np.float32)
    return flat / np.float32(255) if x.dtype == np.uint8 else flat
