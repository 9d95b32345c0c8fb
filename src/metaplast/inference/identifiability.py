"""Which coefficients the recordings determine: the Fisher information, and where it is nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NOTHING = 1e-4
"""Singular values below this share of the largest one are nothing: floats know no more."""


class Identifiability(NamedTuple):
    """About the coefficients of a fit, in their own units."""

    determined: np.ndarray
    """`[coefficients]`, bool: whether no direction that nothing depends on has a part of it."""
    error: np.ndarray
    """`[coefficients]`: standard error; infinite where not determined."""
    null: np.ndarray
    """`[directions, coefficients]`: combinations that may be added without any recorded number
    changing; the largest part of each is 1."""
    information: np.ndarray
    """`[coefficients, coefficients]`: the Fisher information."""
    condition: float
    """Largest over smallest singular value of what is determined."""
    noise: float
    """Standard deviation of the residuals, degrees of freedom subtracted."""


def identifiability(slopes: np.ndarray, residuals: np.ndarray) -> Identifiability:
    r"""Judge a least-squares fit by the derivative of its residuals.

    For Gaussian noise of variance $\sigma^2$ the Fisher information is $J^\top J / \sigma^2$.
    Columns are brought to length 1 first, so that what counts as nothing does not depend on units;
    directions whose singular value is then less than 1e-4 of the largest one are not determined.

    Args:
        slopes: $J$, derivative of each residual by each coefficient `[residuals, coefficients]`.
        residuals: what the fit leaves `[residuals]`.

    Raises:
        ValueError: shapes that do not fit.

    References: Rothenberg (1971) doi:10.2307/1913267 (local identifiability is a regular
    information matrix).
    """
    if slopes.ndim != 2 or residuals.shape != slopes.shape[:1]:
        raise ValueError(
            f"slopes: shape {slopes.shape}, expected [{residuals.shape[0]}, coefficients]; give "
            "one row for each residual"
        )
    length = np.linalg.norm(slopes, axis=0)
    silent = length == 0  # not beside others: what is short in one unit is long in another
    unit = slopes / np.where(silent, 1.0, length) * ~silent
    _, sizes, axes = np.linalg.svd(unit, full_matrices=False)
    sizes = np.pad(sizes, (0, slopes.shape[1] - len(sizes)))
    axes = _completed(axes)
    seen = sizes > NOTHING * max(sizes.max(initial=0.0), 1e-30)
    share = np.sum(axes[~seen] ** 2, axis=0)
    freedom = max(len(residuals) - int(seen.sum()), 1)
    noise = float(np.sqrt(np.sum(residuals**2) / freedom))
    spread = np.sqrt(np.sum((axes[seen] / sizes[seen, None]) ** 2, axis=0))
    determined = share < NOTHING
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(determined, noise * spread / np.where(silent, 1.0, length), np.inf)
        null = axes[~seen] / np.where(silent, 1.0, length)
    return Identifiability(
        determined, error, _readable(null),
        slopes.T @ slopes / max(noise, 1e-30) ** 2,
        float(sizes[seen].max() / sizes[seen].min()) if seen.any() else float("inf"), noise,
    )  # fmt: skip


def _completed(axes: np.ndarray) -> np.ndarray:
    """All directions, where there were fewer residuals than coefficients."""
    missing = axes.shape[1] - axes.shape[0]
    if missing <= 0:
        return axes
    rest = np.linalg.svd(axes)[2][axes.shape[0] :]
    return np.concatenate([axes, rest])


def _readable(null: np.ndarray) -> np.ndarray:
    """The same space in directions with few parts: reduced to echelon form, largest part 1."""
    rows = null.copy()
    for place in range(len(rows)):
        rest = np.abs(rows[place:])
        row, column = np.unravel_index(np.argmax(rest), rest.shape)
        rows[[place, place + row]] = rows[[place + row, place]]
        rows[place] /= rows[place, column]
        for other in range(len(rows)):
            if other != place:
                rows[other] -= rows[other, column] * rows[place]
    biggest = np.abs(rows).max(axis=1, keepdims=True) if len(rows) else np.ones((0, 1))
    rows = rows / np.where(biggest > 0, biggest, 1.0)
    return np.where(np.abs(rows) < 1e-3, 0.0, rows)
