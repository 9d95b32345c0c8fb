"""How feedback relates to the forward weights that it runs against.

The weights of a feedback bundle from `above` to `below` are compared with the transposed weights
of the way forward, from `below` to `above`. Where that way has several stages (direct feedback),
its weights are the products of theirs, summed over all ways, as far as the anatomy tells. Cells
that are relayed to each other one by one (an error cell and its partner) stand for each other.

Two things are compared: the fields that hold the weights (`pairs`), and, wherever synapses deliver
anything beside what these fields say, what they deliver (`delivered_pairs`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from scipy import special

from metaplast.audit.anatomy import Anatomy, Bundle
from metaplast.audit.delivered import TIMES, Delivered

if TYPE_CHECKING:
    from metaplast.audit.evidence import Evidence
    from metaplast.audit.reads import Reads

FALSE_ALARM = 1e-4
"""Probability that a learner whose births are independent is said to be born dependent."""
SAME = 1.0 - 1e-6
"""Cosine beyond which two bundles count as the same one."""
UNLIKELY = 6.0
"""Standard errors by which weights that are the same up to factors of their cells differ from
independent ones."""
ROUNDING = 1e-6
"""Least difference between squared cosines that counts."""
FEW = 4
"""Synapses of which the angle between two bundles is taken where the others are not finite."""
WAYS = 64
"""Combinations of what is delivered forth and back that are compared."""
Weights = dict[str, Any]
"""`[..., post, pre]` by projection."""


Ends = tuple[str, str]
"""Populations where a way forward begins and ends."""


class Pair(NamedTuple):
    """A feedback bundle, and what it runs against."""

    bundle: Bundle
    back: Float[np.ndarray, "... post pre"]
    forth: Float[np.ndarray, "... post pre"]
    """The forward weights, transposed."""
    ends: Ends
    """Populations where the way forward begins and ends."""


def pairs(reads: Reads, weights: Weights) -> Iterator[Pair]:
    """Every feedback bundle that has weights and a way forward to compare them with."""
    for bundle in reads.feedback:
        if bundle.name in weights:
            for forth, ends in _ways(reads.places.anatomy, weights, bundle):
                yield Pair(bundle, weights[bundle.name], np.swapaxes(forth, -1, -2), ends)


def _ways(anatomy: Anatomy, weights: Weights, bundle: Bundle) -> Iterator[tuple[Any, Ends]]:
    """The ways forward that a feedback bundle runs against, weights `[..., pre, post]` of the
    bundle, each once; and where they begin and end."""
    seen: list[Any] = []
    ends = itertools.product(anatomy.partners(bundle.post), anatomy.partners(bundle.pre))
    for start, end in ends:
        way = through(anatomy, weights, start, end)
        if _weighted(way) and not any(np.array_equal(way, other) for other in seen):
            seen.append(way)
            yield way, (start, end)


def uncompared(reads: Reads, compared: Iterable[Pair | DeliveredPair]) -> list[str]:
    """Names of the feedback bundles that were not compared with anything."""
    done = {pair.bundle.name for pair in compared}
    return [bundle.name for bundle in reads.feedback if bundle.name not in done]


def nothing_back(reads: Reads) -> str:
    """Why there is no feedback to compare, in words."""
    wires = ", ".join(bundle.name for bundle in reads.wired_back)
    return f"no synapses lead back: {wires} does, by wires alone" if wires else (
        "nothing is fed back"
    )  # fmt: skip


class DeliveredPair(NamedTuple):
    """What a feedback bundle delivers, and what it runs against, at birth and in lives."""

    bundle: Bundle
    how: str
    """What is said and heard, in words."""
    main: bool
    """Whether the listeners read what is said, and a little of it counts: the plain sense."""
    born: Pair
    lived: Pair


def delivered_pairs(evidence: Evidence) -> list[DeliveredPair]:
    """Every feedback bundle that delivers, or runs against, something that no field of weights
    says, in all the ways in which that can be read off."""
    anatomy, found = evidence.subject.anatomy, []
    deliveries = evidence.deliveries
    fields = {when: evidence.weights(s) for when, s in _times(evidence).items()}
    for bundle in evidence.reads.feedback:
        onward = [b.name for b in anatomy.bundles if b.name in fields["born"] and b is not bundle]
        back = _options(deliveries.of(bundle), bundle.name in fields["born"])
        if not back:
            continue
        for _, ends in _ways(anatomy, fields["born"], bundle):
            forth = [(n, d) for n in onward if n in _passed(anatomy, ends)
                     for d in deliveries.of(anatomy.bundle(n)) if not d.explained]  # fmt: skip
            # The way forward as its fields say, and with one of its stages as it is delivered.
            for this, other in itertools.islice(itertools.product(back, [None, *forth]), WAYS):
                if this is None and other is None:
                    continue
                both = []
                for when in ("born", "lived"):
                    weights = dict(fields[when])
                    if other is not None:
                        weights[other[0]] = np.nan_to_num(getattr(other[1], when))
                    one = weights[bundle.name] if this is None else getattr(this, when)
                    way = through(anatomy, weights, *ends)
                    # Up to a factor of each cell that listens.
                    both.append(Pair(
                        bundle, _rows(np.nan_to_num(one)), np.swapaxes(_rows(way), -1, -2), ends
                    ))  # fmt: skip
                told = this or (other[1] if other else None)
                assert told is not None
                plain = all(d is None or (d.direct and d.slight)
                            for d in (this, other[1] if other else None))  # fmt: skip
                how = f"{told.heard} hears of {told.said}"
                found.append(DeliveredPair(bundle, how, plain, *both))
    return found


def _options(delivered: list[Delivered], weighted: bool) -> list[Delivered | None]:
    """What stands for a bundle: each thing that no field says, and the field (None), if it has
    one that says at least something of what is heard."""
    other: list[Delivered | None] = [d for d in delivered if not d.explained]
    field = weighted and (not other or any(d.explained for d in delivered))
    return [None, *other] if field else other


def _passed(anatomy: Anatomy, ends: Ends) -> set[str]:
    """Bundles between the populations of a way forward."""
    names = [g.name for g in anatomy.groups]
    low, high = (names.index(n) for n in ends)
    return {
        b.name for b in anatomy.bundles
        if b.pre != b.post
        and low <= names.index(b.pre) < high
        and low < names.index(b.post) <= high
    }  # fmt: skip


def _times(evidence: Evidence) -> dict[str, Any]:
    """The states at which deliveries are measured."""
    before = np.array(TIMES) - 1
    return {"born": evidence.births, "lived": jax.tree.map(lambda a: a[:, before], evidence.lives)}


def _rows(matrix: np.ndarray) -> np.ndarray:
    """Rows of length one, or of zeros."""
    with np.errstate(all="ignore"):
        return np.nan_to_num(matrix / np.sqrt((matrix**2).sum(-1, keepdims=True)))


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


def _weighted(way: Any) -> bool:
    """Whether there is a way that has weights, of which there are some for every birth: one of
    relays alone is the same for everybody, and nobody's to transport."""
    return way is not None and way.ndim > 2


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
    """Cosine `[...]` of the angle between matrices, over what is finite in both; NaN where one of
    them is zero, or where less than `FEW` is left of them."""
    with np.errstate(all="ignore"):
        one, other, known = _known(one, other)
        dot = (one * other).sum((-1, -2))
        found = np.asarray(dot / np.sqrt((one**2).sum((-1, -2)) * (other**2).sum((-1, -2))))
        enough = known.sum((-1, -2)) >= min(FEW, known.shape[-1] * known.shape[-2])
        return np.where(enough, found, np.nan)


class Dependence(NamedTuple):
    """A Pearson correlation, and how probable one at least as large is under independence."""

    correlation: float
    probability: float


INDEPENDENT = Dependence(0.0, 1.0)
"""Of a matrix that is the same at all births."""


def dependence(one: np.ndarray, other: np.ndarray) -> Dependence:
    """Whether two weights `[births, ...]` were drawn independently of each other.

    Every synapse is compared with its own mean over births, so that what all births have in
    common does not count. Where one of the two is the same at all births, the means are compared,
    over synapses. A matrix without variation is independent of everything. Synapses of which one
    weight is not finite do not count, at the births where it is not.
    """
    one, other, known = _known(*(a.reshape(len(a), -1) for a in (one, other)))
    means = [_mean(m, known, 0) for m in (one, other)]
    a, b = ((m - mean) * known for m, mean in zip((one, other), means, strict=True))
    seen = np.asarray(known.any(0))
    count = int(known.sum() - seen.sum())
    if not (_varies(a, one) and _varies(b, other)):
        a, b = ((mean - _mean(mean, seen, 0)) * seen for mean in means)
        count = int(seen.sum())
        if not (_varies(a, one) and _varies(b, other)):
            return INDEPENDENT
    r = float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))
    if count < 3:
        return Dependence(r, 1.0)
    t = abs(r) * np.sqrt((count - 2) / max(1.0 - r * r, 1e-12))
    return Dependence(r, float(2.0 * special.stdtr(count - 2, -t)))


def dependence_up_to_factors(one: np.ndarray, other: np.ndarray) -> Dependence:
    """Whether two weights `[births, post, pre]` are the same up to a factor, of any sign, of each
    of their cells: what a cell says could be divided by it, and what it hears multiplied.

    No such factor changes the squared cosine between columns (and between rows). On average over
    births it is compared with what it is when the one weight is taken from another birth, which
    it was not drawn with. So it does not matter how weights are distributed, which of them are
    there, nor what all births have in common. The larger mean that is `UNLIKELY` standard errors
    above those is returned as a correlation, and how probable it is; anything less counts for
    nothing.
    """
    found = INDEPENDENT
    apart = [np.roll(other, births, 0) for births in range(1, len(other))]
    if len(apart) < 2:
        return found
    for axis in (-2, -1):
        together, *chance = (_shared_direction(one, m, axis) for m in (other, *apart))
        if not np.isfinite([together, *chance]).all():
            continue
        error = np.std(chance, ddof=1)
        above = together - np.mean(chance)
        # Births that all have one direction, up to rounding, are no copies of each other.
        if above > UNLIKELY * error + ROUNDING and together > found.correlation**2:
            z = above / max(error, ROUNDING)
            found = Dependence(float(np.sqrt(together)), float(special.ndtr(-z)))
    return found


def _shared_direction(one: np.ndarray, other: np.ndarray, axis: int) -> float:
    """The mean squared cosine, over births, between vectors along an axis of two weights
    `[births, post, pre]` that are less their means over births; NaN where there are too few.

    Synapses that no birth has, the one way or the other, have no direction. One that is missing
    at some births tells by that, too.
    """
    one, other, known = _known(one, other)
    a, b = ((m - _mean(m, known, 0)) * known for m in (one, other))
    if not (_varies(a, one) and _varies(b, other)):
        return float("nan")
    there = (a.any(0) & b.any(0)) & known
    a, b = a * there, b * there
    with np.errstate(all="ignore"):
        squared = (a * b).sum(axis) ** 2 / ((a**2).sum(axis) * (b**2).sum(axis))
    seen = np.isfinite(squared) & (there.sum(axis) >= 3)
    return float(squared[seen].mean()) if seen.sum() >= 30 else float("nan")


def _varies(deviation: np.ndarray, whole: np.ndarray) -> bool:
    """Beyond what rounding does."""
    return bool(np.abs(deviation).max(initial=0.0) > 1e-6 * np.abs(whole).max(initial=0.0))


def _known(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both, with zeros where either is not finite, and where they are."""
    one, other = np.broadcast_arrays(one.astype(float), other.astype(float))
    known = np.isfinite(one) & np.isfinite(other)
    return np.where(known, one, 0.0), np.where(known, other, 0.0), known


def _mean(values: np.ndarray, known: np.ndarray, axis: int) -> np.ndarray:
    """The mean of what is known, and zero where nothing is."""
    return np.asarray((values * known).sum(axis) / np.maximum(known.sum(axis), 1))
