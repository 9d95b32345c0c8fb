"""A comparison of estimators as plain values, for JSON, the terminal and the page."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metaplast.estimators.advice import advice, exponent, recommended
from metaplast.estimators.compare import Budget, Comparison, Row

COLUMNS = (
    "estimator", "bias", "noise of it", "variance", "cosine", "of the mean", "lost", "s", "MB",
)  # fmt: skip


def facts(name: str, budget: Budget, found: Comparison) -> dict[str, Any]:
    """Everything that was measured.

    Args:
        name: of the experiment.
        budget: what each estimator was given.
        found: what came out.
    """
    best = recommended(found)
    return {
        "experiment": name,
        "numbers": found.numbers,
        "horizon": found.horizon,
        "stretch": found.stretch,
        "budget": budget._asdict(),
        "exact_length": found.exact,
        "estimators": [row._asdict() for row in found.rows],
        "agreement": {
            "moments": found.agreement.moments,
            "correlation": found.agreement.correlation,
            "longest": found.agreement.longest,
        },
        "lyapunov": exponent(found),
        "lyapunov_over_life": _of_known(found.lyapunov),
        "recommended": best.name if best else None,
        "advice": advice(found),
        "columns": COLUMNS,
        "cells": [cells(row) for row in found.rows],
    }


def _of_known(lives: np.ndarray) -> np.ndarray:
    """The mean over the lives that are numbers, at each moment; NaN where none is."""
    known = ~np.isnan(lives)
    with np.errstate(invalid="ignore"):  # growth without an end beside decay without one
        total = np.where(known, lives, 0.0).sum(0)
        return np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)


def cells(row: Row) -> list[str]:
    """A row of the table, as text."""
    return [
        row.name,
        *(short(value) for value in (row.bias, row.noise, row.variance, row.cosine)),
        short(row.mean_cosine),
        f"{100 * row.lost:.0f} %",
        short(row.seconds),
        f"{row.bytes / 1e6:.0f}",
    ]


def short(value: float) -> str:
    """Three digits; a dash where there is no number."""
    return f"{value:.3g}" if math.isfinite(value) else "–"
