"""Whole pictures, from a learner that was taught patches: windows in, boxes out."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import numpy as np

from metaplast.bench.average_precision import AveragePrecision, Boxes, average_precision
from metaplast.lifetime import Learner
from metaplast.tasks.boxes import overlap
from metaplast.tasks.detection import Detection
from metaplast.types import State

MOST = 100
"""Boxes kept of one class in one picture."""


def detect(
    answer: Callable[[np.ndarray], np.ndarray], task: Detection, common: float = 0.3
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

    Raises:
        ValueError: readouts of another shape.
    """
    windows, images = task.windows, np.asarray(task.images)
    boxes, kinds = windows.boxes, task.classes - 1
    parts = []
    for number, image in enumerate(images):
        readouts = np.asarray(answer(windows.patches(image)), float)
        if readouts.shape != (len(boxes), kinds + 1):
            raise ValueError(
                f"answer: readouts of shape {readouts.shape}, expected {(len(boxes), kinds + 1)}; "
                "give one for each window and class, background last"
            )
        kind = np.argmax(readouts[:, :kinds], axis=1)
        score = readouts[np.arange(len(boxes)), kind] - readouts[:, kinds]
        for c in range(kinds):
            mine = np.flatnonzero((kind == c) & np.isfinite(score))
            kept = mine[suppressed(boxes[mine], score[mine], common)][:MOST]
            parts.append(
                (boxes[kept], np.full(len(kept), c), np.full(len(kept), number), score[kept])
            )
    return Boxes(*(np.concatenate(same) for same in zip(*parts, strict=True)))


def answers(learner: Learner, state: State) -> Callable[[np.ndarray], np.ndarray]:
    """The readouts of a learner, without learning, as `detect` asks for them."""
    return lambda patches: np.asarray(_readouts(learner, state, patches))


@eqx.filter_jit
def _readouts(learner: Learner, state: State, patches):
    # The state is an argument, so that all lives of a learner share one compilation.
    return jax.vmap(lambda patch: learner.predict(state, patch))(patches)


def detection_score(learner: Learner, state: State, task: Detection) -> AveragePrecision:
    """Average precision, at an intersection over union of 0.5, on the held-out pictures."""
    found = detect(answers(learner, state), task)
    true = Boxes(*(np.asarray(part) for part in (task.boxes, task.things, task.scene)))
    return average_precision(found, true, task.classes - 1)


def suppressed(boxes: np.ndarray, scores: np.ndarray, common: float) -> np.ndarray:
    """The places of those boxes that no better one overlaps by more than `common`, best first."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[overlap(boxes[best][None], boxes[order])[0] <= common]
    return np.array(kept, int)
