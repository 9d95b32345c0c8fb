"""What a bootstrap interval over few lives is worth: how often it holds the true mean."""

from __future__ import annotations

import numpy as np

ENOUGH = 16
"""Lives from which on an interval is nearly what it says it is."""
COVERAGE = {
    2: 0.50, 3: 0.74, 4: 0.81, 5: 0.83, 6: 0.86, 7: 0.87, 8: 0.89, 9: 0.89,
    10: 0.89, 11: 0.90, 12: 0.91, 13: 0.91, 14: 0.92, 15: 0.91,
}  # fmt: skip
"""Of so many lives: as `benchmarks/interval_coverage.py` prints it."""


def simulated(lives: int, trials: int = 4000, resamples: int = 1000, seed: int = 0) -> float:
    """Share of 95 % percentile bootstrap intervals that hold the true mean.

    Differences of two learners are taken to be normal over lives, the kindest case.

    Args:
        lives: in each comparison.
        trials: comparisons.
        resamples: of each.
        seed: of all draws.
    """
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(trials):
        values = rng.normal(size=lives)
        means = values[rng.integers(lives, size=(resamples, lives))].mean(1)
        low, high = np.percentile(means, (2.5, 97.5))
        held += bool(low <= 0 <= high)
    return held / trials


def caution(lives: int) -> str:
    """A line about the intervals of a comparison of so many lives; empty where they are enough."""
    if lives >= ENOUGH:
        return ""
    if lives < 2:
        return f"one life has no interval; give {ENOUGH} or more for a claim"
    return (
        f"so few lives: such an interval holds the true value in about {COVERAGE[lives]:.0%} of "
        f"cases, and not in 95 %; give {ENOUGH} or more for a claim"
    )
