"""What was learned of earlier classes, and what is left of it at the end of a life."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from metaplast.answers import right
from metaplast.types import Episode, Life


class Forgetting(NamedTuple):
    """Of one life, about the classes of all stages but the last."""

    learned: float
    """Mean accuracy on these classes while they were lived: in the later half of the
    examples of each class."""
    kept: float
    """Mean accuracy on their held-out examples at the end of the life."""
    latest: float
    """Accuracy on held-out examples of the last stage's classes, for comparison."""

    @property
    def lost(self) -> float:
        """How much of the accuracy is gone; below 0 where later experience helped."""
        return self.learned - self.kept


def forgetting(life: Life, episode: Episode, readouts, stages: int) -> Forgetting:
    """Score a life in which classes arrived in `stages`, such as one of `ClassIncremental`.

    The stage of a class is told from the episode: classes arrive in the order of their
    stages, in groups as equal as can be. A class counts as much as another, however frequent.
    Measured online, so `learned` may be a little below what a test at the end of each
    stage would give.

    Args:
        life: one life, `correct [moments]`.
        episode: what was lived, with held-out examples of all classes.
        readouts: answers to the held-out examples at the end `[held_out, classes]`, as
            `learner.predict` gives them; those that are not finite are wrong.
        stages: how many groups of classes arrived one after the other; 2 or more.

    Raises:
        ValueError: shapes that do not fit, fewer than 2 stages, classes that the life lacks.

    References: Chaudhry et al. (2018) doi:10.1007/978-3-030-01252-6_33.
    """
    correct, targets = np.asarray(life.correct), np.asarray(episode.targets)
    asked, readouts = np.asarray(episode.test_targets), np.asarray(readouts)
    if correct.ndim != 1 or correct.shape != targets.shape:
        raise ValueError(
            f"life: answers of shape {correct.shape}, expected {targets.shape[-1:]}, one for each "
            "moment of one episode; score lives one by one"
        )
    if readouts.ndim != 2 or readouts.shape[0] != asked.shape[0]:
        raise ValueError(
            f"readouts: shape {readouts.shape}, expected [{asked.shape[0]}, classes]; give the "
            "answer to each held-out example"
        )
    classes, first = np.unique(targets, return_index=True)
    if len(classes) != readouts.shape[1]:
        raise ValueError(
            f"episode: {len(classes)} classes in the life, expected all {readouts.shape[1]}, or "
            "the stages cannot be told; make the life longer"
        )
    if not 2 <= stages <= len(classes):
        raise ValueError(f"stages = {stages}: expected 2 to {len(classes)}, the classes; give one")
    stage = np.empty(len(classes), int)
    stage[np.argsort(first)] = np.arange(len(classes)) * stages // len(classes)
    named = np.asarray(right(readouts, asked))
    earlier, last = classes[stage < stages - 1], classes[stage == stages - 1]
    return Forgetting(
        learned=float(np.mean([_later_half(correct[targets == c]) for c in earlier])),
        kept=_by_class(named, asked, earlier),
        latest=_by_class(named, asked, last),
    )


def _later_half(answers: np.ndarray) -> float:
    return float(np.mean(answers[len(answers) // 2 :]))


def _by_class(named: np.ndarray, asked: np.ndarray, classes: np.ndarray) -> float:
    """Mean over those of `classes` that were asked for; NaN where none was."""
    found = [named[asked == c].mean() for c in classes if np.any(asked == c)]
    return float(np.mean(found)) if found else float("nan")
