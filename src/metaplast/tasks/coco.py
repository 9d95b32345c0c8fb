"""A detection task from the user's own pictures, with boxes in the JSON of COCO."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from metaplast.tasks.check import at_least
from metaplast.tasks.checksum import checksum
from metaplast.tasks.class_folders import TESTED
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

    Raises:
        FileNotFoundError: no such file.
        ImportError: Pillow is missing.
        ValueError: a wrong argument or a wrong file.

    References: Lin et al. (2014) doi:10.1007/978-3-319-10602-1_48.
    """
    known_split(split)
    for argument, value in (("height", height), ("width", width)):
        at_least(argument, value, 1, "give the size of the pictures in pixels")
    path, folder = Path(annotations), Path(images)
    said = _read(path)
    try:
        kinds = sorted(c["id"] for c in said["categories"])
        files = {i["id"]: folder / i["file_name"] for i in said["images"]}
        things = [
            (a["image_id"], kinds.index(a["category_id"]), [float(v) for v in a["bbox"]])
            for a in said["annotations"]
            if not a.get("iscrowd", 0)
        ]
        numbers = {name: number for number, name in enumerate(sorted(files))}
        scene = np.array([numbers[name] for name, _, _ in things], int)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise ValueError(
            f"annotations = {str(path)!r}: {type(fault).__name__} {fault} where images, "
            "categories and annotations refer to each other, expected the JSON of COCO; repair it"
        ) from None
    if len(files) < 2 or not things:
        raise ValueError(
            f"annotations = {str(path)!r}: {len(files)} pictures and {len(things)} boxes, expected "
            "2 pictures or more with boxes; give more"
        )
    pictures, scales = [], []
    for name in sorted(files):
        image, where = _image(files[name])
        scales.append((width / image.size[0], height / image.size[1]))
        pictures.append(pixels(image, (height, width), color, where))
    boxes = np.array([box for _, _, box in things])
    boxes[:, 2:] += boxes[:, :2]
    _check_pixels(boxes, np.array([[width, height]]) / np.array(scales)[scene], path)
    boxes = np.clip(boxes * np.tile(np.array(scales)[scene], 2), 0, [width, height] * 2)
    whole = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)  # some are a line, in COCO itself too
    kinds_of = np.array([kind for _, kind, _ in things])
    scenes = Scenes(np.stack(pictures), boxes[whole], kinds_of[whole], scene[whole])
    order = np.random.default_rng(0).permutation(len(pictures))
    held = max(len(order) // TESTED, 1)
    train, test = divide_scenes(scenes.some(order[held:]), scenes.some(order[:held]), split)
    return Detection(
        train, test, classes=len(kinds), sizes=sizes, patch=patch, moments=moments,
        held_out=held_out, name=title(path.stem, split, "pictures"),
        checksum=checksum(scenes._asdict()),
    )  # fmt: skip


def _read(path: Path) -> dict:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"annotations = {str(path)!r}: no such file; check the path"
        ) from None
    except (OSError, ValueError) as fault:
        raise ValueError(
            f"annotations = {str(path)!r}: no JSON ({type(fault).__name__}); give COCO's file"
        ) from None
    if not isinstance(said, dict):
        raise ValueError(
            f"annotations = {str(path)!r}: no table, expected the JSON of COCO; give it"
        )
    return said


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
