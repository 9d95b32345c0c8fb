"""Whole pictures, from a learner that was taught patches: windows in, boxes out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache

import equinox as eqx
import jax
import numpy as np

from metaplast.bench.average_precision import AveragePrecision, Boxes, average_precision
from metaplast.lifetime import Learner, asked
from metaplast.tasks.boxes import overlap
from metaplast.tasks.detection import Detection
from metaplast.tasks.windows import Windows
from metaplast.types import Key, State

MOST = 100
"""Boxes kept of one class in one picture."""
ROWS = 500
"""Windows whose overlap with all others is computed at once."""
BYTES = 2**30
"""Most memory that the patches of all pictures may take."""


def detect(
    answer: Callable[[np.ndarray], np.ndarray],
    task: Detection,
    common: float = 0.3,
    pictures: Sequence[np.ndarray] = (),
) -> Boxes:
    """Boxes in all held-out pictures.

    Each window is a candidate for the thing whose readout is largest, with the distance to
    the readout of background for a score. Of candidates of one class that overlap by more than
    `common` the best one stays (non-maximum suppression).

    Args:
        answer: readouts `[windows, classes]` of the patches `[windows, inputs]` of a picture,
            background last; `answers` makes it of a learner and its state.
        task: whose held-out pictures are looked through.
        common: intersection over union.
        pictures: the patches of all of them, from `cut`, where many learners look through the same.

    Raises:
        ValueError: readouts of another shape.
    """
    windows, images = task.windows, np.asarray(task.images)
    boxes, kinds = windows.boxes, task.classes - 1
    near, parts = crowded(windows, common), []
    for number, image in enumerate(images):
        patches = pictures[number] if pictures else windows.patches(image)
        readouts = np.asarray(answer(patches), float)
        if readouts.shape != (len(boxes), kinds + 1):
            raise ValueError(
                f"answer: readouts of shape {readouts.shape}, expected {(len(boxes), kinds + 1)}; "
                "give one for each window and class, background last"
            )
        kind = np.argmax(readouts[:, :kinds], axis=1)
        score = readouts[np.arange(len(boxes)), kind] - readouts[:, kinds]
        for c in range(kinds):
            mine = np.flatnonzero((kind == c) & np.isfinite(score))
            kept = suppressed(mine[np.argsort(-score[mine], kind="stable")], near, MOST)
            parts.append(
                (boxes[kept], np.full(len(kept), c), np.full(len(kept), number), score[kept])
            )
    return Boxes(*(np.concatenate(same) for same in zip(*parts, strict=True)))


def cut(task: Detection) -> list[np.ndarray]:
    """The patches of all held-out pictures; none where they would take more than `BYTES`."""
    images = np.asarray(task.images)
    size = len(images) * len(task.windows.boxes) * task.inputs * np.float32().itemsize
    return [] if size > BYTES else [task.windows.patches(image) for image in images]


def answers(
    learner: Learner, state: State, key: Key | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """The readouts of a learner, without learning, as `detect` asks for them.

    Args:
        learner: who answers.
        state: its state, the same for every window.
        key: for the noise of those who have some (`noisy`), other noise at every call.
    """
    calls = itertools.count()

    def answer(patches: np.ndarray) -> np.ndarray:
        now = None if key is None else jax.random.fold_in(key, next(calls))
        return np.asarray(_readouts(learner, state, patches, now))

    return answer


# The state is an argument, so that all lives of a learner share one compilation.
_readouts = eqx.filter_jit(asked)


def detection_score(
    learner: Learner,
    state: State,
    task: Detection,
    pictures: Sequence[np.ndarray] = (),
    key: Key | None = None,
) -> AveragePrecision:
    """Average precision, at an intersection over union of 0.5, on the held-out pictures.

    Args:
        learner: who looks through them.
        state: its state.
        task: whose pictures they are.
        pictures: as for `detect`.
        key: as for `answers`.
    """
    found = detect(answers(learner, state, key), task, pictures=pictures)
    true = Boxes(*(np.asarray(part) for part in (task.boxes, task.things, task.scene)))
    return average_precision(found, true, task.classes - 1)


@lru_cache(maxsize=4)
def crowded(windows: Windows, common: float) -> np.ndarray:
    """Which windows overlap by more than `common`, bool `[windows, windows]`."""
    boxes = windows.boxes
    rows = (boxes[first : first + ROWS] for first in range(0, len(boxes), ROWS))
    return np.concatenate([overlap(some, boxes) > common for some in rows])


def suppressed(order: np.ndarray, near: np.ndarray, most: int) -> np.ndarray:
    """The first places of an order that are near to none that stays before them.

    Args:
        order: places, best first.
        near: which places are near to each other, bool `[places, places]`.
        most: how many stay at most.
    """
    kept = []
    while len(order) and len(kept) < most:
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[~near[best, order]]
    return np.array(kept, int)
