"""Which estimator to take, in words."""

from __future__ import annotations

import numpy as np

from metaplast.estimators.compare import Comparison, Row

BIASED = 0.5
"""A bias that is more than this part of the gradient, and cannot be an estimator's own noise,
disqualifies. The noise of the exact gradient excuses nobody: it is in everybody's bias alike."""
UNKNOWN = 1.0
"""Noise of backprop's own row, relative to the exact gradient, from which on nobody's bias is
known: with such a budget what is exact differs from itself by its own length."""

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
    elif not np.isfinite(found.exact):
        lines.append(
            "Backprop's gradients are all lost, for none is a finite number, so what is exact is "
            "not known; where synapses lose a large part of their weight in a moment, give "
            "objective.segment = 2 (nearly all of it: 0)."
        )
    elif found.exact == 0:
        lines.append("The exact gradient is zero: no number of the genome changes the loss here.")
    elif found.agreement.longest == 0:
        lines.append("Derivatives do not predict what a step of this size does, at any horizon.")
    elif found.agreement.longest < found.horizon:
        lines.append(
            f"Derivatives predict what a step does up to {found.agreement.longest} of "
            f"{found.horizon} moments; beyond, backprop follows a gradient without meaning."
        )
    else:
        lines.append(f"Derivatives predict what a step does over all {found.horizon} moments.")
    if found.stretch == found.horizon:
        lines.append(
            "A life is a single stretch here, so Truncated, PES and NRES live it whole as the "
            f"others do; give --stretch, or lives of other than {found.horizon} moments, which "
            "have a tenth."
        )
    if unknown(found):
        noise = next(row.noise for row in found.rows if row.name == "Backprop")
        lines.append(
            f"No advice: backprop itself is off by {noise:.3g} of the exact gradient with this "
            "budget, so no bias is known; give more cycles and more lives."
        )
    elif best is None:
        unsure = sum(not told_from_noise(row, found.numbers) for row in found.rows)
        why = (
            f"the mean of {unsure} of {len(found.rows)} estimators is mostly noise, so this budget "
            "decides nothing"
            if unsure
            else "none of the estimators pointed downhill with this budget"
        )
        lines.append(f"No advice: {why}; give more cycles and more lives.")
    else:
        lines.append(f'Take meta.type = "{best.name}": {_why(found)}.')
    return " ".join(lines)


def recommended(found: Comparison) -> Row | None:
    """The cheapest estimator that points the right way on average; None where none is known to,
    because it does not or because so few estimates do not tell."""
    return next(iter(fit(found)), None)


def fit(found: Comparison) -> list[Row]:
    """Those that point the right way on average, the cheapest first."""
    if unknown(found):
        return []
    rows = [
        row for row in found.rows
        if row.seconds > 0 and row.lost < 0.5 and told_from_noise(row, found.numbers)
    ]  # fmt: skip
    if _judged(found):
        rows = [
            row for row in rows
            if row.mean_cosine > 0 and row.bias <= max(BIASED, 2 * row.own)
        ]  # fmt: skip
    else:  # what is exact has no meaning, or is not known
        rows = [row for row in rows if row.name in ("ES", "LowRankES", "PES", "NRES")]
    return sorted(rows, key=lambda row: row.cost(_judged(found)))


def unknown(found: Comparison) -> bool:
    """Whether estimators would be judged by an exact gradient that is mostly noise."""
    noise = [row.noise for row in found.rows if row.name == "Backprop"]
    return _judged(found) and any(one >= UNKNOWN for one in noise)


def _judged(found: Comparison) -> bool:
    """Whether estimators are judged by the exact gradient: there is one, it has a length, and a
    meaning."""
    known = found.reached and np.isfinite(found.exact) and found.exact != 0
    return bool(known) and found.agreement.longest >= found.horizon


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


def _why(found: Comparison) -> str:
    """What speaks for the best, beside the next one that points the right way as well."""
    best, second, *_ = (*fit(found), None)
    if not _judged(found):
        text = f"{best.seconds:.3g} s an estimate, variance {best.own_variance:.3g} of its own mean"
        if second is not None:
            text += f" ({second.name}: {second.seconds:.3g} s, {second.own_variance:.3g})"
        return text
    text = f"{best.seconds:.3g} s an estimate, relative variance {best.variance:.3g}"
    text += f", bias {best.bias:.3g} with a noise of {best.noise:.3g}"
    if second is not None:
        text += f" ({second.name}: {second.seconds:.3g} s, {second.variance:.3g}"
        text += f", {second.bias:.3g})"
    return text
