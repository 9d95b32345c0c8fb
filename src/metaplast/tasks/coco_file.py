"""The JSON of COCO: which pictures there are, and which boxes of which kinds are in them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Said(NamedTuple):
    """What such a file says, but for crowds."""

    files: list[Path]
    """Of the pictures, in the order of their ids."""
    kinds: int
    boxes: Float[np.ndarray, "things 4"]
    """x, y, width, height in pixels of the file."""
    classes: Int[np.ndarray, " things"]
    """Places of the categories in the order of their ids."""
    scene: Int[np.ndarray, " things"]
    """Which picture each box is in, a place in `files`."""


def read_coco(path: Path, folder: Path) -> Said:
    """Read one file.

    Args:
        path: the JSON.
        folder: where the pictures are.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no JSON of this form, ids that occur twice or refer to nothing, boxes that are
            not four finite numbers, fewer than two pictures, no boxes.
    """
    where = f"annotations = {str(path)!r}"
    said = _table(path, where)
    with _referring(where):
        kinds = sorted(c["id"] for c in said["categories"])
        images = sorted((i["id"], folder / i["file_name"]) for i in said["images"])
    _once(kinds, f"{where}: categories")
    _once([name for name, _ in images], f"{where}: images")
    with _referring(where):
        numbers = {name: number for number, (name, _) in enumerate(images)}
        things = [
            (numbers[a["image_id"]], kinds.index(a["category_id"]), a["bbox"], _name(a, place))
            for place, a in enumerate(said["annotations"])
            if not a.get("iscrowd", 0)
        ]
    if len(images) < 2 or not things:
        raise ValueError(
            f"{where}: {len(images)} pictures and {len(things)} boxes, expected 2 pictures or more "
            "with boxes; give more"
        )
    scene, classes, boxes, named = zip(*things, strict=True)
    numbered = [_box(box, f"{where}: {name}") for box, name in zip(boxes, named, strict=True)]
    return Said(
        [file for _, file in images], len(kinds), np.array(numbered), np.array(classes),
        np.array(scene),
    )  # fmt: skip


def _table(path: Path, where: str) -> dict:
    """The JSON; a mark of UTF-8 before it, as some editors write, is passed over."""
    try:
        said = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{where}: no such file; check the path") from None
    except (OSError, ValueError) as fault:
        raise ValueError(f"{where}: no JSON ({type(fault).__name__}); give COCO's file") from None
    if not isinstance(said, dict):
        raise ValueError(f"{where}: no table, expected the JSON of COCO; give it")
    return said


@contextmanager
def _referring(where: str) -> Iterator[None]:
    """Say in a line what is not there, or is of another type."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise ValueError(
            f"{where}: {type(fault).__name__} {fault} where images, categories and annotations "
            "refer to each other, expected the JSON of COCO; repair it"
        ) from None


def _name(annotation: dict, place: int) -> str:
    """By its id, which not all have."""
    return f"annotation {annotation.get('id', f'at place {place}')}"


def _once(ids: list, what: str) -> None:
    """Refuse an id that stands for two things; `ids` are sorted."""
    twice = [one for one, other in itertools.pairwise(ids) if one == other]
    if twice:
        raise ValueError(
            f"{what} have the id {twice[0]!r} twice, expected another for each; number them anew"
        )


def _box(box: Any, where: str) -> list[float]:
    """Four finite numbers."""
    try:
        numbers = [float(value) for value in box] if isinstance(box, list) else []
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise ValueError(
            f"{where} has bbox = {str(box)[:60]}, expected four finite numbers, x, y, width and "
            "height in pixels; repair or remove it"
        )
    return numbers
