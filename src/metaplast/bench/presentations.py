"""How well a class is named the first time, the second time, and so on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Presentations(NamedTuple):
    """Accuracy by how often the class of an example was shown before in the same life."""

    accuracy: np.ndarray
    """`[most]`: fraction of right answers at the first, second, ... showing of a class."""
    answers: np.ndarray
    """`[most]`: how many answers each of them is the mean of."""


def presentations(correct, targets) -> Presentations:
    """Accuracy by showing, over all lives together.

    At the first showing nobody can know the class, so what is above chance there is
    guessing among those not yet seen.

    Args:
        correct: whether each answer was right `[*lives, moments]`, as in `Life.correct`.
        targets: the classes `[*lives, moments]`, as in `Episode.targets`.

    Raises:
        ValueError: where the shapes differ.

    References: Santoro et al. (2016) arXiv:1605.06065.
    """
    correct, targets = np.asarray(correct, bool), np.asarray(targets)
    if correct.shape != targets.shape or correct.ndim < 1 or correct.size == 0:
        raise ValueError(
            f"targets: shape {targets.shape}, expected {correct.shape} as of correct, with one "
            "moment or more; give both of the same lives"
        )
    moments = correct.shape[-1]
    correct, targets = correct.reshape(-1, moments), targets.reshape(-1, moments)
    same = targets[:, :, None] == targets[:, None, :]
    before = np.sum(same & np.tri(moments, k=-1, dtype=bool), axis=-1)
    answers = np.bincount(before.ravel())
    right = np.bincount(before.ravel(), weights=correct.ravel())
    return Presentations(right / answers, answers)
