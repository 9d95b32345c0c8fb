"""Average precision: how good boxes are, whatever threshold they will be used at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from metaplast.tasks.boxes import overlap


class Boxes(NamedTuple):
    """Boxes in any number of pictures; found ones have scores."""

    boxes: np.ndarray
    """`[boxes, 4]`: x1 y1 x2 y2."""
    classes: np.ndarray
    """`[boxes]`, from 0."""
    scene: np.ndarray
    """`[boxes]`: which picture each is in."""
    scores: np.ndarray | None = None
    """`[boxes]`: higher where the finder is surer."""


class AveragePrecision(NamedTuple):
    """The score of each class, and their mean over the classes that there are."""

    by_class: np.ndarray
    """`[classes]`; NaN for a class without any true box."""
    mean: float


def average_precision(
    found: Boxes, true: Boxes, classes: int, least: float = 0.5, points: int | None = None
) -> AveragePrecision:
    """Area under precision over recall of the boxes found, best score first.

    From the best score to the worst, a found box is right if it overlaps a true box of
    its class and picture, which no better one has taken, by `least`; of several it takes the one
    that it overlaps most. Precision is made to fall monotonously with recall first. Of equal
    scores the one named first comes first.

    Args:
        found: what somebody found, with scores.
        true: what there is.
        classes: number of classes.
        least: intersection over union.
        points: mean of the precision at so many evenly spaced recalls instead of the area:
            101 is what COCO does.

    Raises:
        ValueError: arrays that do not fit, found boxes without scores.

    References: Everingham et al. (2010) doi:10.1007/s11263-009-0275-4; Lin et al. (2014)
    doi:10.1007/978-3-319-10602-1_48.
    """
    if found.scores is None:
        raise ValueError("found: no scores, expected one for each box; give them")
    for argument, some in (("found", found), ("true", true)):
        sizes = {len(part) for part in some if part is not None}
        if len(sizes) > 1 or np.shape(some.boxes)[1:] != (4,):
            raise ValueError(
                f"{argument}: boxes of shape {np.shape(some.boxes)} and arrays of {sorted(sizes)}, "
                "expected [boxes, 4] and one value of each for each box; give as many"
            )
    if not np.isfinite(found.scores).all():
        raise ValueError("found: scores that are not finite; leave these boxes out")
    by_class = np.array([_of_class(found, true, c, least, points) for c in range(classes)])
    known = by_class[~np.isnan(by_class)]
    return AveragePrecision(by_class, float(known.mean()) if len(known) else float("nan"))


def _of_class(found: Boxes, true: Boxes, kind: int, least: float, points: int | None) -> float:
    there = np.flatnonzero(np.asarray(true.classes) == kind)
    if len(there) == 0:
        return float("nan")
    mine = np.flatnonzero(np.asarray(found.classes) == kind)
    mine = mine[np.argsort(-np.asarray(found.scores)[mine], kind="stable")]
    right = _right(found, mine, true, there, least)
    recall = np.cumsum(right) / len(there)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    if points is None:
        return float(np.sum(np.diff(recall, prepend=0.0) * precision))
    place = np.searchsorted(recall, np.linspace(0, 1, points), side="left")
    return float(np.mean(np.append(precision, 0.0)[place]))


def _right(found: Boxes, mine, true: Boxes, there, least: float) -> np.ndarray:
    """Which of the boxes found are right, best first."""
    right = np.zeros(len(mine), bool)
    scene, where = np.asarray(found.scene)[mine], np.asarray(true.scene)[there]
    for picture in np.unique(scene):
        ours, theirs = np.flatnonzero(scene == picture), there[where == picture]
        common = overlap(
            np.asarray(found.boxes, float)[mine[ours]], np.asarray(true.boxes, float)[theirs]
        )
        for row, place in zip(common, ours, strict=True):
            if row.size and row.max() >= least:
                right[place] = True
                common[:, np.argmax(row)] = -1.0  # taken
    return right
