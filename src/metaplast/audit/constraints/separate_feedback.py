"""Feedback has synapses of its own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.alignment import (
    FALSE_ALARM,
    INDEPENDENT,
    SAME,
    Pair,
    cosine,
    delivered_pairs,
    dependence,
    dependence_up_to_factors,
    nothing_back,
    pairs,
    uncompared,
)
from metaplast.audit.anatomy import Bundle
from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.delivered import TIMES
from metaplast.audit.places import Kind
from metaplast.audit.reads import Found, Reads
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source


class SeparateFeedback(AbstractConstraint):
    """Feedback bundles have weights of their own, drawn independently of the forward ones.

    Tested over births: neither the weights nor their sizes are correlated with the transposed
    forward weights, nor with the forward weights in the order in which they were drawn (one
    random key used twice). Nor are they the same up to a factor of each cell. Tested over lives:
    the two are never the same, to a millionth; feedback that learns may come to resemble them. All
    of this is asked of what the fields of the synapses say, and of what they deliver wherever that
    is something else (`delivered`).

    What it can miss: dependence that is neither, and what `no_weight_transport` can miss.
    """

    name: ClassVar[str] = "separate_feedback"
    claim: ClassVar[str] = (
        "feedback runs over synapses of its own, whose weights are drawn independently and are "
        "never a copy of the forward ones"
    )
    source: ClassVar[Source] = Source(
        "Liao, Leibo & Poggio", 2016, "How important is weight symmetry in backpropagation?",
        "10.48550/arXiv.1510.05067",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF, Grade.TEST)

    def check(self, evidence):
        reads = evidence.reads
        if not reads.feedback:
            return not_applicable(nothing_back(reads), Grade.PROOF)
        for bundle in reads.feedback:
            borrowed = self._borrowed(reads, bundle)
            if borrowed:
                return violated(Grade.PROOF, borrowed)
        born = list(pairs(reads, evidence.weights(evidence.births)))
        seen = [(pair, what, dependence(*both)) for pair in born for what, both in _against(pair)]
        dependent = [s for s in seen if s[2].probability < FALSE_ALARM / len(seen)]
        if dependent:
            pair, what, found = max(dependent, key=lambda s: abs(s[2].correlation))
            r = f"r = {found.correlation:.2f}"
            witness = f"weights of {pair.bundle.name} are born dependent on {what}, {r}"
            return violated(Grade.TEST, witness, f"{r} at birth")
        delivered = delivered_pairs(evidence)
        if not born and not delivered:
            return not_applicable(f"nothing to compare {reads.feedback[0].name} with", Grade.PROOF)
        for pair, how, test in [
            *((pair, "", dependence_up_to_factors) for pair in born),
            *((d.born, d.how, dependence) for d in delivered),
            *((d.born, d.how, dependence_up_to_factors) for d in delivered),
        ]:
            found = test(pair.back, pair.forth)
            if found.probability < FALSE_ALARM / (2 * (len(born) + len(delivered))):
                said = f"what {pair.bundle.name} delivers ({how}) is" if how else (
                    f"weights of {pair.bundle.name} are"
                )  # fmt: skip
                up_to = "" if test is dependence else " up to factors of their cells"
                r = f"r = {found.correlation:.2f}"
                witness = f"{said} born dependent on the transposed forward weights{up_to}, {r}"
                return violated(Grade.TEST, witness, f"{r} at birth")
        for pair in pairs(reads, evidence.weights(evidence.lives)):
            when = self._same(pair)
            if when is not None:
                witness = (
                    f"weights of {pair.bundle.name} are the transposed forward weights at moment "
                    f"{when[1]} of life {when[0]}"
                )
                return violated(Grade.TEST, witness)
        for d in delivered:
            when = self._same(d.lived) if d.main else None
            if when is not None:
                witness = (
                    f"what {d.bundle.name} delivers ({d.how}) is the transposed forward weights at "
                    f"moment {TIMES[when[1]]} of life {when[0]}"
                )
                return violated(Grade.TEST, witness)
        varied = [abs(d.correlation) for *_, d in seen if d != INDEPENDENT]
        value = f"|r| at most {max(varied):.2f} at birth" if varied else "nothing varies at birth"
        alone = uncompared(reads, [*born, *delivered])
        without = f"; nothing to compare {', '.join(alone)} with" if alone else ""
        return upheld(Grade.TEST, value + without)

    def _same(self, pair: Pair) -> tuple[int, int] | None:
        """Life and moment at which feedback is what the way forward is, or was just before."""
        if min(pair.back.shape[-2:]) < 2:
            return None  # all vectors of one element have the same direction
        for late in (0, 1):
            back, forth = pair.back[:, late:], pair.forth[:, : pair.forth.shape[1] - late]
            # Weights that differ little from one large value are alike, and no copies for that.
            varied = abs(cosine(_varied(back), _varied(forth)))
            alike = (abs(cosine(back, forth)) > SAME) & ((varied > SAME) | np.isnan(varied))
            same = np.argwhere(alike)
            if len(same):
                return int(same[0, 0]), int(same[0, 1]) + late
        return None

    def _borrowed(self, reads: Reads, bundle: Bundle) -> str:
        """How a feedback bundle without weights weighs what it carries; empty if it has weights,
        or relays one cell to one cell, or carries nothing."""
        if bundle.weighted or bundle.mask.sum(1).max() <= 1:
            return ""
        p, rows = reads.places, reads.rows
        mine = p.where(kind=Kind.CELL, owner=bundle.post, now=True)[rows]
        hearing = mine & reads.matrix[:, p.where(kind=Kind.CELL, owner=bundle.pre)].any(1)
        if not hearing.any():
            return ""
        into = [n for n, b in enumerate(p.anatomy.bundles) if b.post == bundle.post]
        foreign = (p.kind == Kind.SYNAPSE) & ~np.isin(p.owner, into)
        said = f"{bundle.name} has no weights of its own"
        for row in np.flatnonzero(hearing):
            read = np.flatnonzero(reads.matrix[row] & foreign)
            if read.size:
                return f"{said}: {reads.witness(Found(int(rows[row]), int(read[0])))}"
        return said


def _varied(weights: np.ndarray) -> np.ndarray:
    """Weights less their mean over all synapses."""
    with np.errstate(all="ignore"):  # a life may explode
        return weights - weights.mean((-2, -1), keepdims=True, dtype=np.float64)


def _against(pair: Pair) -> list[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """What feedback weights must be independent of, by what it is called."""
    back, forth = pair.back, pair.forth
    return [
        ("the transposed forward weights", (back, forth)),
        ("the transposed forward weights, in size", (abs(back), abs(forth))),
        ("the forward weights, in the order drawn", (back, np.swapaxes(forth, -1, -2))),
    ]
