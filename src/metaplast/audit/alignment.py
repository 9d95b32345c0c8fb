"""How feedback weights relate to the forward weights that they run against.

The weights of a feedback bundle from `above` to `below` are compared with the transposed weights
of the way forward, from `below` to `above`. Where that way has several stages (direct feedback),
its weights are the products of theirs, summed over all ways, as far as the anatomy tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

from metaplast.audit.anatomy import Anatomy, Bundle

FALSE_ALARM = 1e-4
"""Probability that a learner whose births are independent is said to be born dependent."""
SAME = 1.0 - 1e-6
"""Cosine beyond which two bundles count as the same one."""
Weights = dict[str, Any]
"""`[..., post, pre]` by projection."""


class Pair(NamedTuple):
    """A feedback bundle, and what it runs against."""

    bundle: Bundle
    back: Float[np.ndarray, "... post pre"]
    forth: Float[np.ndarray, "... post pre"]
    """The forward weights, transposed."""


def pairs(anatomy: Anatomy, weights: Weights) -> Iterator[Pair]:
    """Every feedback bundle that has weights and a way forward to compare them with."""
    for bundle in anatomy.feedback:
        forth = through(anatomy, weights, bundle.post, bundle.pre)
        if bundle.name in weights and forth is not None:
            yield Pair(bundle, weights[bundle.name], np.swapaxes(forth, -1, -2))


def through(anatomy: Anatomy, weights: Weights, start: str, end: str) -> Any:
    """Weights `[..., end, start]` of all ways forward; None where there is none."""
    names = [g.name for g in anatomy.groups]
    if start == end:
        return np.eye(anatomy.group(start).size)
    total = None
    for b in anatomy.bundles:
        stage = _stage(b, weights)
        if b.post != end or stage is None:
            continue
        if not names.index(start) <= names.index(b.pre) < names.index(end):
            continue
        before = through(anatomy, weights, start, b.pre)
        if before is not None:
            with np.errstate(all="ignore"):  # a life may explode
                whole = stage @ before
                total = whole if total is None else total + whole
    return total


def _stage(b: Bundle, weights: Weights) -> Any:
    """The weights of one bundle; relays have weights of one."""
    if b.way in ("driving", "wire") and b.name in weights:
        return weights[b.name] * b.mask
    relay = bool(b.mask.sum(0).max() <= 1 and b.mask.sum(1).max() <= 1)
    return b.mask.astype(float) if relay and b.way in ("driving", "wire") else None


def angle(one: np.ndarray, other: np.ndarray) -> float:
    """Mean angle in degrees between matrices in the last two axes; NaN where there is none."""
    with np.errstate(all="ignore"):
        degrees = np.degrees(np.arccos(np.clip(cosine(one, other), -1.0, 1.0)))
    seen = degrees[np.isfinite(degrees)]
    return float(seen.mean()) if seen.size else float("nan")


def cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Cosine `[...]` of the angle between matrices; NaN where one of them is zero."""
    with np.errstate(all="ignore"):
        one, other = one.astype(float), other.astype(float)
        dot = (one * other).sum((-1, -2))
        return np.asarray(dot / np.sqrt((one**2).sum((-1, -2)) * (other**2).sum((-1, -2))))


class Dependence(NamedTuple):
    """A Pearson correlation, and how probable one at least as large is under independence."""

    correlation: float
    probability: float


def dependence(one: np.ndarray, other: np.ndarray) -> Dependence:
    """Whether two weights `[births, ...]` were drawn independently of each other.

    Every synapse is compared with its own mean over births, so that what all births have in
    common does not count. Where one of the two is the same at all births, the means are compared,
    over synapses. A matrix without variation is independent of everything.
    """
    one, other = (a.reshape(len(a), -1).astype(float) for a in (one, other))
    a, b = one - one.mean(0), other - other.mean(0)
    count = (len(one) - 1) * one.shape[1]
    if not (_varies(a, one) and _varies(b, other)):
        a, b = (m.mean(0) - m.mean() for m in (one, other))
        count = a.size
        if not (_varies(a, one) and _varies(b, other)):
            return Dependence(0.0, 1.0)
    r = float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))
    if count < 3:
        return Dependence(r, 1.0)
    t = abs(r) * np.sqrt((count - 2) / max(1.0 - r * r, 1e-12))
    return Dependence(r, float(2.0 * special.stdtr(count - 2, -t)))


def _varies(deviation: np.ndarray, whole: np.ndarray) -> bool:
    """Beyond what rounding does."""
    return bool(np.isfinite(whole).all() and np.abs(deviation).max() > 1e-6 * np.abs(whole).max())
