"""Which estimator to take, in words."""

from __future__ import annotations

import numpy as np

from metaplast.estimators.compare import Comparison, Row

BIASED = 0.5
"""A bias that is more than this part of the gradient and cannot be noise disqualifies."""


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
        lines.append("None of the estimators pointed downhill with this budget: give more lives.")
    else:
        lines.append(f'Take meta.type = "{best.name}": {_why(best, found)}.')
    return " ".join(lines)


def recommended(found: Comparison) -> Row | None:
    """The cheapest estimator that points the right way on average."""
    trusted = found.agreement.longest >= found.horizon
    fit = [row for row in found.rows if row.seconds > 0 and row.lost < 0.5]
    if found.reached and trusted:
        fit = [
            row for row in fit
            if row.mean_cosine > 0 and row.bias <= max(BIASED, 2 * row.noise)
        ]  # fmt: skip
    else:  # what is exact has no meaning, or is not known
        fit = [row for row in fit if row.name in ("ES", "LowRankES", "PES", "NRES")]
    return min(fit, key=lambda row: row.cost, default=None)


def exponent(found: Comparison) -> float:
    """The largest Lyapunov exponent over the whole life, per moment."""
    return float(np.nanmean(found.lyapunov))


def _why(best: Row, found: Comparison) -> str:
    others = [row for row in found.rows if row.name != best.name]
    second = min(others, key=lambda row: row.cost, default=None)
    text = f"{best.seconds:.3g} s an estimate, relative variance {best.variance:.3g}"
    if second is not None:
        text += f" ({second.name}: {second.seconds:.3g} s, {second.variance:.3g})"
    return text
