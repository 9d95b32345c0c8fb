"""Which estimator to take, in words."""

from __future__ import annotations

import numpy as np

from metaplast.estimators.compare import Comparison, Row

BIASED = 0.5
"""A bias that is more than this part of the gradient and cannot be noise disqualifies."""

UNSURE = 0.5**0.5
"""Doubt from which on the mean of an estimator is noise for the greater part."""
BEYOND_CHANCE = 3.0
"""Standard deviations of the cosine of two directions drawn at random, beyond which it is none."""


def advice(found: Comparison) -> str:
    """The recommendation: one paragraph, with the figures that it rests on."""
    best = recommended(found)
    lines = []
    if not found.reached:
        lines.append(
            "No derivative reaches the genome, so what is exact is not known: take an estimator "
            "that needs none."
        )
    elif found.agreement.longest == 0:
        lines.append("Derivatives do not predict what a step of this size does, at any horizon.")
    elif found.agreement.longest < found.horizon:
        lines.append(
            f"Derivatives predict what a step does up to {found.agreement.longest} of "
            f"{found.horizon} moments; beyond, backprop follows a gradient without meaning."
        )
    else:
        lines.append(f"Derivatives predict what a step does over all {found.horizon} moments.")
    if best is None:
        unsure = sum(not told_from_noise(row, found.numbers) for row in found.rows)
        why = (
            f"the mean of {unsure} of {len(found.rows)} estimators is mostly noise, so this budget "
            "decides nothing"
            if unsure
            else "none of the estimators pointed downhill with this budget"
        )
        lines.append(f"No advice: {why}; give more cycles and more lives.")
    else:
        lines.append(f'Take meta.type = "{best.name}": {_why(best, found)}.')
    return " ".join(lines)


def recommended(found: Comparison) -> Row | None:
    """The cheapest estimator that points the right way on average; None where none is known to,
    because it does not or because so few estimates do not tell."""
    trusted = found.agreement.longest >= found.horizon
    fit = [
        row for row in found.rows
        if row.seconds > 0 and row.lost < 0.5 and told_from_noise(row, found.numbers)
    ]  # fmt: skip
    if found.reached and trusted:
        fit = [
            row for row in fit
            if row.mean_cosine > 0 and row.bias <= max(BIASED, 2 * row.noise)
        ]  # fmt: skip
    else:  # what is exact has no meaning, or is not known
        fit = [row for row in fit if row.name in ("ES", "LowRankES", "PES", "NRES")]
    return min(fit, key=lambda row: row.cost, default=None)


def told_from_noise(row: Row, numbers: int) -> bool:
    """Whether so many estimates tell where an estimator points: their mean is more signal than
    noise, or nearer to the exact gradient, of so many `numbers`, than chance would have it."""
    return row.doubt < UNSURE or row.mean_cosine > min(0.9, BEYOND_CHANCE / numbers**0.5)


def exponent(found: Comparison) -> float:
    """The largest Lyapunov exponent over the whole life, per moment; no number where none is
    known."""
    known = found.lyapunov[~np.isnan(found.lyapunov)]
    with np.errstate(invalid="ignore"):  # growth without an end beside decay without one
        return float(np.mean(known)) if known.size else float("nan")


def _why(best: Row, found: Comparison) -> str:
    others = [row for row in found.rows if row.name != best.name]
    second = min(others, key=lambda row: row.cost, default=None)
    text = f"{best.seconds:.3g} s an estimate, relative variance {best.variance:.3g}"
    if second is not None:
        text += f" ({second.name}: {second.seconds:.3g} s, {second.variance:.3g})"
    return text
