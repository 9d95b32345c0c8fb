"""A detection task from the user's own arrays: pictures and boxes in an `.npz`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metaplast.tasks.check import count_classes
from metaplast.tasks.checksum import verified
from metaplast.tasks.detection import Detection
from metaplast.tasks.folder import find
from metaplast.tasks.pools import known_split, title
from metaplast.tasks.scenes import Scenes, check_scenes, divide_scenes
from metaplast.tasks.stored import stored

_PARTS = ("x", "box", "boxcls", "boximg")


def boxed_arrays(
    path: str | Path,
    sizes: tuple[tuple[int, int], ...] | int = 3,
    patch: int = 12,
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
    classes: int | None = None,
) -> Detection:
    """Find things in pictures: an `.npz` with `x_S box_S boxcls_S boximg_S`, S train and test.

    Args:
        path: the `.npz`, or a bare name that is looked up in the folder that METAPLAST_DATA
            names. `x` are pictures `[scenes, height, width, channels]`, uint8 or floats in [0, 1];
            `box` are x1 y1 x2 y2 in pixels, `boxcls` their classes from 0, `boximg` the number of
            the picture that each is in.
        sizes, patch: see `Detection`.
        moments: length of a life, in patches.
        held_out: test patches of an episode; by default 200, or as many as there are.
        split: `search` draws from four tenths of the train pictures, `bench` from the others.
        classes: kinds of things; by default the highest train class and one.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a wrong argument, missing keys, pictures of other integers than uint8 or that
            are not finite, classes that skip numbers, boxes that do not fit their pictures.
    """
    known_split(split)
    path = find(str(path))
    raw = stored(path, [f"{part}_{pool}" for pool in ("train", "test") for part in _PARTS])
    sum_ = verified(path.stem, raw)
    pools = [_scenes(raw, pool) for pool in ("train", "test")]
    classes = count_classes(pools[0].classes, "boxcls_train") if classes is None else classes
    for scenes, pool in zip(pools, ("train", "test"), strict=True):
        check_scenes(scenes, classes, pool)
    return Detection(
        *divide_scenes(pools[0], pools[1], split), classes=classes, sizes=sizes, patch=patch,
        moments=moments, held_out=held_out, name=title(path.stem, split, "pictures"),
        checksum=sum_,
    )  # fmt: skip


def _scenes(raw: dict[str, np.ndarray], pool: str) -> Scenes:
    x, box = raw[f"x_{pool}"], raw[f"box_{pool}"]
    if x.dtype.kind in "iu" and x.dtype != np.uint8:
        raise ValueError(
            f"x_{pool}: type {x.dtype}, expected uint8 (0 to 255) or floats; save it so"
        )
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused as such
        images = x.astype(np.float32) / np.float32(255 if x.dtype == np.uint8 else 1)
    numbers = (_whole(raw[f"{part}_{pool}"], f"{part}_{pool}") for part in _PARTS[2:])
    return Scenes(images, box.astype(float), *numbers)


def _whole(array: np.ndarray, argument: str) -> np.ndarray:
    """Numbers of classes or of pictures as integers, one for each box."""
    if array.ndim != 1:
        raise ValueError(
            f"{argument}: shape {array.shape}, expected [boxes], one for each box; save "
            f"{argument}.reshape(-1)"
        )
    with np.errstate(invalid="ignore"):  # what is not finite is refused in the next line
        whole = array.astype(int)
    if not np.array_equal(whole, array):
        raise ValueError(
            f"{argument}: {array[whole != array][0]} is no integer, expected numbers from 0; save "
            "them as integers"
        )
    return whole
