"""Synapses have few distinguishable strengths."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.intervention import LEVELS
from metaplast.audit.places import Kind
from metaplast.audit.robustness import MARGIN, beyond, chance, shown
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

TOLERATED = 5.0
"""Percent of the accuracy above chance that coarse weights may cost."""


class SynapticPrecision(AbstractConstraint):
    """With every weight at one of 26 levels, the learner learns nearly as well.

    After every moment each weight is rounded at random to one of `LEVELS` levels between minus
    and plus the largest weight that its bundle has in the same life undisturbed. Of the accuracy
    above chance (`robustness.lost`) at most `TOLERATED` % may go; what is within the standard
    error of that does not count.
    Memory that a synapse keeps beside its weight is counted, not rounded.

    What it can miss: a tiny task, a small instance, eight lives; and precision that is needed in
    a memory beside the weight.
    """

    name: ClassVar[str] = "synaptic_precision"
    claim: ClassVar[str] = f"it works with {LEVELS} levels of synaptic strength (4.7 bits)"
    source: ClassVar[Source] = Source(
        "Bartol, Bromer, Kinney, Chirillo, Bourne, Harris & Sejnowski", 2015,
        "Nanoconnectomic upper bound on the variability of synaptic plasticity",
        "10.7554/eLife.10778",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.TEST,)

    def check(self, evidence):
        if not evidence.intervenes:
            why = "it gets its life as a whole; nothing can be changed in it"
            return not_applicable(why, Grade.TEST)
        if not evidence.touched("coarse weights"):
            return not_applicable("there are no weights", Grade.TEST)
        before = evidence.accuracy()
        if before < chance(evidence) + MARGIN:
            how = f"accuracy {before:.2f}, {evidence.subject.taught}"
            return not_applicable(f"it learns nothing here ({how})", Grade.TEST)
        per_synapse: dict[str, int] = {}
        for leaf in evidence.reads.places.made:
            if leaf.kind is Kind.SYNAPSE:
                values = int(np.prod(leaf.shape[2:], dtype=int))
                per_synapse[leaf.owner] = per_synapse.get(leaf.owner, 0) + values
        most = max(per_synapse.values())
        value = f"{shown(evidence, 'coarse weights')}, {most} value{'s' * (most > 1)} a synapse"
        witness = beyond(evidence, "coarse weights", TOLERATED)
        return violated(Grade.TEST, witness, value) if witness else upheld(Grade.TEST, value)
