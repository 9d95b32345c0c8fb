"""Where a detector looks: windows of a few sizes, all over a picture, brought to one size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from metaplast.tasks.boxes import overlap

SHOWN = 0.5
"""A window that overlaps a thing by this much shows it; every other one shows background."""
NEAR = 0.1
"""One that overlaps a thing by this much, and does not show it, has nearly shown it."""


class Windows(NamedTuple):
    """Windows on a grid; a plain value, for it is part of a task's form."""

    height: int
    """Of the picture in pixels."""
    width: int
    sizes: tuple[tuple[int, int], ...]
    """Height and width of each kind of window in pixels, none larger than the picture."""
    patch: int
    """Side in pixels of what a learner sees of a window."""
    pace: float
    """Distance between neighbors of one kind, as a fraction of their side."""
    around: float
    """How much is seen beyond each border of a window, as a fraction of its side: without it a
    part of a thing looks like a smaller one. Black beyond the borders of the picture."""

    @property
    def boxes(self) -> Float[np.ndarray, "windows 4"]:
        """x1 y1 x2 y2 of all windows: kind after kind, row after row."""
        found = []
        for high, wide in self.sizes:
            y, x = np.meshgrid(
                _starts(self.height, high, self.pace), _starts(self.width, wide, self.pace),
                indexing="ij",
            )  # fmt: skip
            found.append(np.stack([x, y, x + wide, y + high], axis=-1).reshape(-1, 4))
        return np.concatenate(found).astype(np.float64)

    def patches(
        self, image: Float[np.ndarray, "height width channels"]
    ) -> Float[np.ndarray, "windows inputs"]:
        """What is seen in each window: the mean over the part of it that a pixel stands for."""
        sums = np.pad(np.cumsum(np.cumsum(image, axis=0, dtype=float), axis=1), _BEFORE)
        found = []
        for high, wide in self.sizes:
            rows, columns = _edges(self.height, high, self), _edges(self.width, wide, self)
            corners = _between(_between(sums, rows.ravel(), 0), columns.ravel(), 1)
            corners = corners.reshape(*rows.shape, *columns.shape, -1)
            part = high * wide * (1 + 2 * self.around) ** 2 / self.patch**2
            means = np.diff(np.diff(corners, axis=1), axis=3) / part
            found.append(means.swapaxes(1, 2).reshape(len(rows) * len(columns), -1))
        return np.concatenate(found).astype(np.float32)

    def labels(
        self,
        boxes: Float[np.ndarray, "things 4"],
        classes: Int[np.ndarray, " things"],
        nothing: int,
    ) -> tuple[Int[np.ndarray, " windows"], Bool[np.ndarray, " windows"]]:
        """The class of the thing that each window shows, `nothing` for background; and which
        of the latter are near misses, the background that is hard to tell."""
        if len(boxes) == 0:
            return np.full(len(self.boxes), nothing), np.zeros(len(self.boxes), bool)
        common = overlap(self.boxes, boxes)
        best = common.max(axis=1)
        label = np.where(best >= SHOWN, classes[common.argmax(axis=1)], nothing)
        return label, (best >= NEAR) & (best < SHOWN)


def _starts(length: int, size: int, pace: float) -> Int[np.ndarray, " starts"]:
    """First pixels of the windows along one side; the last one ends with the picture."""
    step = max(round(size * pace), 1)
    return np.unique(np.append(np.arange(0, length - size + 1, step), length - size))


_BEFORE = ((1, 0), (1, 0), (0, 0))


def _edges(length: int, size: int, windows: Windows) -> np.ndarray:
    """Where the parts of each window begin and end `[starts, patch + 1]`, cut at the border."""
    parts = np.linspace(-windows.around, 1 + windows.around, windows.patch + 1) * size
    return np.clip(_starts(length, size, windows.pace)[:, None] + parts, 0, length)


def _between(sums: np.ndarray, place: np.ndarray, axis: int) -> np.ndarray:
    """Cumulative sums at places between pixels: the sum over a part of a pixel is its share."""
    before = np.minimum(place.astype(int), sums.shape[axis] - 2)
    share = (place - before).reshape([-1 if a == axis else 1 for a in range(sums.ndim)])
    low, high = (np.take(sums, before + step, axis) for step in (0, 1))
    return low + share * (high - low)
