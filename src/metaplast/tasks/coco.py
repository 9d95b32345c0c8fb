"""A detection task from the user's own pictures, with boxes in the JSON of COCO."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from metaplast.tasks.check import at_least
from metaplast.tasks.checksum import checksum
from metaplast.tasks.class_folders import TESTED
from metaplast.tasks.coco_file import read_coco
from metaplast.tasks.detection import Detection
from metaplast.tasks.pictures import pixels, upright
from metaplast.tasks.pools import known_split, title
from metaplast.tasks.scenes import Scenes, divide_scenes


def coco(
    annotations: str | Path,
    images: str | Path,
    height: int = 96,
    width: int = 128,
    color: bool = True,
    sizes: tuple[tuple[int, int], ...] | int = 3,
    patch: int = 12,
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
) -> Detection:
    """Find things in pictures of a folder, all brought to one size; needs Pillow.

    A fifth of the pictures are held out, chosen by one fixed permutation. Crowds are left out.
    Classes are the categories in the order of their ids. Boxes are those of the picture that is
    turned the way up that its EXIF says.

    Args:
        annotations: a JSON file with `images` (id, file_name), `categories` (id) and
            `annotations` (image_id, category_id, bbox = x, y, width, height in pixels).
        images: the folder of the pictures.
        height, width: new size in pixels; boxes are scaled along.
        color: three channels instead of one.
        sizes, patch: see `Detection`.
        moments: length of a life, in patches.
        held_out: test patches of an episode; by default 200, or as many as there are.
        split: `search` draws from four tenths of the other pictures, `bench` from the rest.

    Boxes without area, also those that lie wholly outside of their picture, are left out with a
    warning; what is beyond the border of a picture is cut.

    Raises:
        FileNotFoundError: no such file.
        ImportError: Pillow is missing.
        ValueError: a wrong argument or a wrong file: ids that occur twice or refer to nothing,
            boxes that are not four finite numbers in pixels, no box that is left.

    References: Lin et al. (2014) doi:10.1007/978-3-319-10602-1_48.
    """
    known_split(split)
    for argument, value in (("height", height), ("width", width)):
        at_least(argument, value, 1, "give the size of the pictures in pixels")
    path, folder = Path(annotations), Path(images)
    said = read_coco(path, folder)
    boxes, scene = said.boxes, said.scene
    pictures, scales = [], []
    for file in said.files:
        image, where = _image(file)
        scales.append((width / image.size[0], height / image.size[1]))
        pictures.append(pixels(image, (height, width), color, where))
    boxes = np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
    _check_pixels(boxes, np.array([[width, height]]) / np.array(scales)[scene], path)
    boxes = np.clip(boxes * np.tile(np.array(scales)[scene], 2), 0, [width, height] * 2)
    whole = _whole(boxes, path)
    scenes = Scenes(np.stack(pictures), boxes[whole], said.classes[whole], scene[whole])
    order = np.random.default_rng(0).permutation(len(pictures))
    held = max(len(order) // TESTED, 1)
    train, test = divide_scenes(scenes.some(order[held:]), scenes.some(order[:held]), split)
    return Detection(
        train, test, classes=said.kinds, sizes=sizes, patch=patch, moments=moments,
        held_out=held_out, name=title(path.stem, split, "pictures"),
        checksum=checksum(scenes._asdict()),
    )  # fmt: skip


def _whole(boxes: np.ndarray, path: Path) -> np.ndarray:
    """Which boxes have an area within their picture; some are a line, in COCO itself too."""
    whole = np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
    if not whole.any():
        raise ValueError(
            f"annotations = {str(path)!r}: none of {len(whole)} boxes has an area within its "
            "picture, expected bbox = x, y, width, height in pixels; repair them"
        )
    if not whole.all():
        warnings.warn(
            f"annotations = {str(path)!r}: {(~whole).sum()} of {len(whole)} boxes have no area "
            "within their picture and are left out",
            stacklevel=3,
        )
    return whole


def _check_pixels(boxes: np.ndarray, sizes: np.ndarray, path: Path) -> None:
    """Refuse boxes `[things, (x1, y1, x2, y2)]` that cannot be pixels of their pictures, of width
    and height `sizes`: other programs write fractions, or corners where COCO has width and height.

    Raises:
        ValueError: all end within two pixels, or more than a tenth beyond the picture.
    """
    beyond = (boxes[:, 2:] > sizes + 1).any(1).mean()  # by rounding, some end a little beyond
    if (boxes <= 2).all() or beyond > 0.1:
        what = "all within two pixels" if beyond == 0 else f"{beyond:.0%} end beyond their picture"
        raise ValueError(
            f"annotations = {str(path)!r}: of {len(boxes)} boxes {what}, expected bbox = x, y, "
            "width, height in pixels; convert fractions or corners"
        )


def _image(path: Path) -> tuple[Any, str]:
    """A picture of Pillow, and what messages about it begin with."""
    where = f"images: {str(path)!r}"
    if not path.exists():
        raise FileNotFoundError(f"{where} is missing; put it there")
    return upright(path, where), where
