"""Boxes `x1 y1 x2 y2` in pixels: how much of two of them is common, and which sizes are typical."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

CORNERS = 4


def overlap(a: Float[np.ndarray, "a 4"], b: Float[np.ndarray, "b 4"]) -> Float[np.ndarray, "a b"]:
    """Intersection over union of each box of `a` with each of `b`; 0 where one is empty."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0.0), axis=-1)
    union = area(a)[:, None] + area(b)[None, :] - common
    return np.where(common > 0, common / np.where(union > 0, union, 1.0), 0.0)


def area(boxes: Float[np.ndarray, "boxes 4"]) -> Float[np.ndarray, " boxes"]:
    """Square pixels of each box."""
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=-1)


def typical(boxes: Float[np.ndarray, "boxes 4"], count: int) -> tuple[tuple[int, int], ...]:
    """Heights and widths of `count` windows that boxes overlap well with, smallest first.

    The means of clusters of boxes laid on each other, those of greatest overlap together.
    They begin at evenly spaced areas, so the answer is always the same; where so many boxes are
    alike that two would begin at one size, at evenly spaced ones of the sizes that there are.
    There are fewer windows where clusters end at one size, in whole pixels.

    References: Redmon & Farhadi (2017) doi:10.1109/CVPR.2017.690.
    """
    size = (boxes[:, 2:] - boxes[:, :2])[np.argsort(area(boxes), kind="stable")]
    begin = size[_spaced(len(size), count)]
    if len(_windows(begin)) < count:
        sizes = np.array(_windows(size), float)[:, ::-1]
        begin = sizes[_spaced(len(sizes), min(count, len(sizes)))]
    return _clustered(size, begin)


def _spaced(size: int, count: int) -> np.ndarray:
    """The middles of `count` equal parts of an order."""
    return ((np.arange(count) + 0.5) * size / count).astype(int)


def _clustered(
    size: Float[np.ndarray, "boxes 2"], centers: Float[np.ndarray, "clusters 2"]
) -> tuple[tuple[int, int], ...]:
    """Windows at the means of clusters that begin at these centers; one that loses all its boxes
    stays where it is, for another may move away and leave it some."""
    for _ in range(30):
        laid, windows = (np.pad(s, ((0, 0), (2, 0))) for s in (size, centers))
        nearest = np.argmax(overlap(laid, windows), axis=1)
        moved = [
            size[nearest == k].mean(axis=0) if np.any(nearest == k) else center
            for k, center in enumerate(centers)
        ]
        centers = np.stack(moved)
    return _windows(centers)


def _windows(sizes: Float[np.ndarray, "sizes 2"]) -> tuple[tuple[int, int], ...]:
    """Different heights and widths in whole pixels, smallest first."""
    found = {(max(round(h), 1), max(round(w), 1)) for w, h in sizes.tolist()}
    return tuple(sorted(found, key=lambda s: s[0] * s[1]))
