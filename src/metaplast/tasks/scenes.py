"""Pictures with boxes around the things in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from metaplast.tasks.pools import known_split


class Scenes(NamedTuple):
    """Some pictures of one size, and all their boxes in one list."""

    images: Float[np.ndarray, "scenes height width channels"]
    """In [0, 1]."""
    boxes: Float[np.ndarray, "things 4"]
    """x1 y1 x2 y2 in pixels, from the upper left corner."""
    classes: Int[np.ndarray, " things"]
    scene: Int[np.ndarray, " things"]
    """Which picture each box is in."""

    def some(self, chosen) -> Scenes:
        """The pictures of some numbers, in that order."""
        chosen = np.asarray(chosen)
        place = np.full(len(self.images), -1)
        place[chosen] = np.arange(len(chosen))
        kept = place[self.scene] >= 0
        return Scenes(
            self.images[chosen], self.boxes[kept], self.classes[kept], place[self.scene[kept]]
        )


def check_scenes(scenes: Scenes, classes: int, pool: str) -> None:
    """Refuse pictures and boxes that do not fit each other.

    Raises:
        ValueError: no pictures with boxes, shapes, pictures that are no floats in [0, 1], no boxes,
            boxes without area or outside of their picture, unknown classes.
    """
    if not isinstance(scenes, Scenes):
        raise ValueError(
            f"{pool}: {type(scenes).__name__}, expected pictures with boxes, which no table can "
            'give; give {type = "boxed_arrays"}, "coco" or "digit_scenes" in the place of it'
        )
    images, boxes, labels, scene = scenes
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"images of {pool}: shape {images.shape}, expected [scenes, height, width, channels] "
            "with one scene or more; give pictures of one size"
        )
    if images.dtype.kind != "f":
        raise ValueError(
            f"images of {pool}: type {images.dtype}, expected floats in [0, 1]; divide them"
        )
    if not (np.isfinite(images.min()) and np.isfinite(images.max())):  # NaN is both of them
        bad = ~np.isfinite(images).all(axis=(1, 2, 3))
        raise ValueError(
            f"images of {pool}: NaN or infinite values in {bad.sum()} of {len(images)}, the first "
            f"in picture {np.argmax(bad)}, expected finite numbers; remove or repair them"
        )
    if images.min() < 0 or images.max() > 1:
        raise ValueError(
            f"images of {pool}: floats from {images.min():g} to {images.max():g}, expected 0 to 1; "
            "scale them so"
        )
    for numbers, what in ((labels, "classes"), (scene, "scenes")):
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise ValueError(
                f"{what} of {pool}: shape {numbers.shape} and type {numbers.dtype}, expected "
                "[things] of integers; give one for each box"
            )
    if boxes.shape != (len(labels), 4) or len(scene) != len(labels):
        raise ValueError(
            f"boxes of {pool}: shape {boxes.shape}, {len(labels)} classes, {len(scene)} scenes, "
            "expected [things, 4] and one of each a thing; give as many"
        )
    if len(labels) == 0:
        raise ValueError(
            f"boxes of {pool}: none, expected one or more; give pictures with things in them"
        )
    if not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(
            f"classes of {pool}: {labels.min()} to {labels.max()}, expected 0 to {classes - 1}; "
            "number them from 0"
        )
    if not (scene.min() >= 0 and scene.max() < len(images)):
        raise ValueError(
            f"scenes of {pool}: {scene.min()} to {scene.max()}, expected 0 to {len(images) - 1}; "
            "number the pictures from 0"
        )
    high = np.array([images.shape[2], images.shape[1]] * 2)
    bad = ~(np.isfinite(boxes).all(1) & (boxes >= 0).all(1) & (boxes <= high).all(1))
    bad |= (boxes[:, 2:] <= boxes[:, :2]).any(1)
    if bad.any():
        raise ValueError(
            f"boxes of {pool}: {boxes[np.argmax(bad)].tolist()} and {bad.sum() - 1} others, "
            f"expected x1 < x2, y1 < y2 within {high[0]} x {high[1]} pixels; repair them"
        )


def divide_scenes(train: Scenes, test: Scenes, split: str) -> tuple[Scenes, Scenes]:
    """Four tenths of the train pictures are for the search, a quarter of them its held-out part.

    Pictures are divided, not boxes, by one fixed permutation. The test pictures belong to
    `bench` and `all`.

    Raises:
        ValueError: fewer than ten train pictures.
    """
    count = len(train.images)
    if known_split(split) == "all":
        return train, test
    if count < 10:
        raise ValueError(
            f"images of train: {count} scenes, expected 10 or more to keep those of the search and "
            "of the comparison apart; give more, or split='all'"
        )
    order, searched = np.random.default_rng(0).permutation(count), count * 4 // 10
    if split == "bench":
        return train.some(order[searched:]), test
    return train.some(order[searched // 4 : searched]), train.some(order[: searched // 4])
