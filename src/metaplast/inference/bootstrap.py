"""Intervals by drawing recordings again: what another set of recordings would have said."""

from __future__ import annotations

import numpy as np
from scipy import stats

from metaplast.inference.identifiability import NOTHING, Identifiability

RESAMPLES = 1000
OUTSIDE = 0.05
"""Share of intervals that are to miss the truth."""


def intervals(
    values: np.ndarray,
    residuals: np.ndarray,
    slopes: np.ndarray,
    known: Identifiability,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile intervals of the coefficients over recordings, expanded for their number.

    Each resample takes one Gauss-Newton step from the fit of all recordings to its own, which for
    small steps is where a whole fit would end. Recordings are drawn, not moments, for the moments
    of one recording depend on each other. Percentiles of few are too narrow, as normal intervals
    are beside those of Student, and are taken as much further out (Hesterberg 2015).

    Args:
        values: the fit of all recordings `[coefficients]`.
        residuals: `[recordings, residuals]`.
        slopes: their derivatives `[recordings, residuals, coefficients]`.
        known: which coefficients are determined; the others have no interval.
        seed: of the resampling.

    Returns:
        Lower and upper ends `[coefficients]`; infinite where nothing is determined, or where there
        is only one recording.

    References: Moulton & Zeger (1991) doi:10.1016/0167-9473(91)90052-4; Hesterberg (2015)
    doi:10.1080/00031305.2015.1089789.
    """
    count = len(residuals)
    if count < 2:
        return np.full_like(values, -np.inf), np.full_like(values, np.inf)
    scale = np.linalg.norm(slopes, axis=(0, 1))
    unit = slopes / np.where(scale > 0, scale, 1.0)
    squares = np.einsum("rni,rnj->rij", unit, unit)
    pulls = np.einsum("rni,rn->ri", unit, residuals)
    draws = np.random.default_rng(seed).multinomial(
        count, np.full(count, 1 / count), size=RESAMPLES
    )
    steps = [
        np.linalg.pinv(np.tensordot(d, squares, 1), rcond=NOTHING**2, hermitian=True) @ (d @ pulls)
        for d in draws
    ]
    found = values - np.stack(steps) / np.where(scale > 0, scale, 1.0)
    lower, upper = np.quantile(found, ends(count), axis=0)
    return (
        np.where(known.determined, lower, -np.inf),
        np.where(known.determined, upper, np.inf),
    )


def ends(count: int) -> tuple[float, float]:
    """The quantiles of resamples of so many recordings that are the ends of an interval."""
    wider = (count / (count - 1)) ** 0.5
    below = float(stats.norm.cdf(wider * stats.t.ppf(OUTSIDE / 2, count - 1)))
    return below, 1.0 - below
