"""Handwritten digits scattered over clutter: a detection task that needs no file."""

from __future__ import annotations

import numpy as np

from metaplast.tasks.boxes import overlap
from metaplast.tasks.check import at_least
from metaplast.tasks.detection import Detection
from metaplast.tasks.digits import digits
from metaplast.tasks.pools import known_split, title
from metaplast.tasks.scenes import Scenes

SIDE = 8
TRIES = 100
"""How often a place is drawn for a digit before it is left out."""


def digit_scenes(
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
    things: int = 5,
    size: int = 48,
    magnified: tuple[int, ...] = (1, 2),
    clutter: int = 12,
    scenes: int = 100,
    seed: int = 0,
) -> Detection:
    """Pictures of `size` x `size` pixels with digits at random places; 10 classes and background.

    Digits do not overlap each other; they lie on clutter made of quarters of other digits.
    Those of the held-out pictures are no digits of the others, and those of the search none of a
    comparison, as in `digits`.

    Args:
        moments: length of a life, in patches of 12 x 12 pixels: a digit and 2 pixels around it.
        held_out: test patches of an episode; by default 200.
        split: `search`, `bench` or `all`, of the digits.
        things: digits in a picture; fewer where there is no room.
        size: side of a picture in pixels.
        magnified: how many times larger a digit may be, each as likely.
        clutter: quarters of digits in a picture, at half the intensity.
        scenes: pictures for lives; half as many are held out.
        seed: of the pictures.

    Raises:
        ValueError: a wrong argument.
    """
    if not (isinstance(magnified, (tuple, list)) and magnified):
        raise ValueError(f"magnified = {magnified!r}: expected one factor or more; give (1, 2)")
    for factor in magnified:
        at_least("magnified", factor, 1, "give how many times larger a digit may be")
    at_least("seed", seed, 0, "give another one")
    for argument, value, least in (
        ("things", things, 1), ("clutter", clutter, 0), ("scenes", scenes, 2),
        ("size", size, SIDE * max(magnified)),
    ):  # fmt: skip
        at_least(argument, value, least, "give a larger one")
    pool = digits(split=known_split(split))
    drawn = [
        _scenes(np.asarray(x), np.asarray(y), count, things, size, magnified, clutter, chance)
        for (x, y), count, chance in zip(
            ((pool.x_train, pool.y_train), (pool.x_test, pool.y_test)),
            (scenes, scenes // 2),
            np.random.default_rng(seed).spawn(2),
            strict=True,
        )
    ]
    return Detection(
        *drawn, classes=10, sizes=tuple((SIDE * m, SIDE * m) for m in magnified),
        patch=SIDE + SIDE // 2,
        moments=moments, held_out=held_out, name=title("digit scenes", split, "images"),
    )  # fmt: skip


def _scenes(x, y, count, things, size, magnified, clutter, chance) -> Scenes:
    images = np.zeros((count, size, size, 1), np.float32)
    boxes, classes, scene = [], [], []
    for number, image in enumerate(images[..., 0]):
        for _ in range(clutter):
            whole = x[chance.integers(len(x))].reshape(SIDE, SIDE)
            top, left = chance.integers(0, 2, 2) * (SIDE // 2)
            piece = whole[top : top + SIDE // 2, left : left + SIDE // 2] / 2
            _laid(image, piece, chance.integers(0, size - SIDE // 2 + 1, 2))
        placed = np.zeros((0, 4))
        for _ in range(things):
            chosen, times = chance.integers(len(x)), chance.choice(magnified)
            side = SIDE * times
            for _ in range(TRIES):
                top, left = chance.integers(0, size - side + 1, 2)
                box = np.array([[left, top, left + side, top + side]], float)
                if not overlap(box, placed).any():
                    image[top : top + side, left : left + side] *= 0.25
                    digit = np.kron(x[chosen].reshape(SIDE, SIDE), np.ones((times, times)))
                    _laid(image, digit, (top, left))
                    placed = np.concatenate([placed, box])
                    classes.append(y[chosen])
                    scene.append(number)
                    break
        boxes.append(placed)
    return Scenes(images, np.concatenate(boxes), np.array(classes, int), np.array(scene, int))


def _laid(image, piece, corner) -> None:
    """Lay a piece onto an image, the brighter of the two at each pixel."""
    top, left = corner
    region = image[top : top + piece.shape[0], left : left + piece.shape[1]]
    np.maximum(region, piece, out=region)
