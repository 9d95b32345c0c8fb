"""Intervals over lives, and paired comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np

RESAMPLES = 10_000
CONFIDENCE = 0.95
BINS = 50
TINY = 2e-7
"""Differences of accuracies that differ by less are equal: they are rounded to single precision."""


def interval(values: np.ndarray, seed: int = 0, resamples: int = RESAMPLES) -> list[float] | None:
    """95 % bootstrap interval (percentile) of the mean over lives `[lives]`.

    None with fewer than two lives, for there is nothing to resample. Of few it is too narrow, see
    `coverage`.
    """
    values = np.asarray(values, float)
    if values.size < 2:
        return None
    low, high = _bootstrapped(values, resamples, seed)
    return [float(low), float(high)]


def paired(name: str, against: str, ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    """Compare two learners life by life.

    Args:
        name, against: who is compared with whom.
        ours, theirs: online accuracy of each in the same lives `[lives]`.

    Returns:
        The mean difference, its interval (None of a single life), the effect size (mean over
        standard deviation of the differences, Cohen's d for pairs; None where it is not defined),
        and whether the whole interval is above zero.
    """
    difference = np.asarray(ours, float) - np.asarray(theirs, float)
    ends = interval(difference)
    deviation = difference.std(ddof=1) if difference.size > 1 else 0.0
    return {
        "name": name,
        "against": against,
        "difference": float(difference.mean()),
        "ci": ends,
        "effect_size": float(difference.mean() / deviation) if deviation > TINY else None,
        "above_zero": ends is not None and ends[0] > 0,
    }


def curve(correct: np.ndarray) -> dict[str, list[float]]:
    """Accuracy over the life in at most 50 bins, with an interval over lives.

    Args:
        correct: answers of one learner `[lives, moments]`.

    Returns:
        `moment` (middle of each bin, counted from 1), `accuracy`, `lower`, `upper`.
    """
    moments = correct.shape[1]
    edges = np.linspace(0, moments, min(BINS, moments) + 1).round().astype(int)
    bins = np.add.reduceat(correct.astype(float), edges[:-1], axis=1) / np.diff(edges)
    lower, upper = _intervals(bins)
    middle = (edges[:-1] + edges[1:] + 1) / 2
    return {
        "moment": middle.tolist(),
        "accuracy": bins.mean(axis=0).tolist(),
        "lower": lower.tolist(),
        "upper": upper.tolist(),
    }


def _intervals(bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interval of every bin `[lives, bins]`; fewer resamples, for it is only drawn."""
    if bins.shape[0] < 2:
        return bins[0], bins[0]
    return _bootstrapped(bins, 1000, batch=100)


def _bootstrapped(values: np.ndarray, resamples: int, seed: int = 0, batch: int | None = None):
    """Ends of the interval of the mean over the first axis."""
    # Imported here, for it takes long, and a search needs it only when it has found something.
    from scipy import stats

    found = stats.bootstrap(
        (values,), np.mean, n_resamples=resamples, confidence_level=CONFIDENCE, axis=0,
        method="percentile", rng=np.random.default_rng(seed), vectorized=True, batch=batch,
    ).confidence_interval  # fmt: skip
    return found.low, found.high
