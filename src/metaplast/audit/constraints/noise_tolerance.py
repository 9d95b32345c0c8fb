"""Noise on every message, and synapses that are missing."""

from __future__ import annotations

from typing import ClassVar

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.robustness import MARGIN, beyond, chance, shown
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

TOLERATED = 10.0
"""Percent of the accuracy above chance that noise, or loss, may cost."""
INSULTS = ("noisy messages", "lost synapses")


class NoiseTolerance(AbstractConstraint):
    """With 10 % noise on every message, and without 10 % of the synapses, it still learns.

    All messages between cells are multiplied by one plus Gaussian noise of deviation 0.1, anew
    every moment; in other lives a tenth of the weights is zero all life long (`intervention`). Of
    the accuracy above chance (`robustness.lost`) at most `TOLERATED` % may go with either; what
    is within the standard error of that does not count. Whole numbers are rounded; what is only
    true or not has no noise.

    What it can miss: a tiny task, a small instance, eight lives. Small instances have little
    redundancy, so a learner that fails here may do better with many cells.
    """

    name: ClassVar[str] = "noise_tolerance"
    claim: ClassVar[str] = "it tolerates 10 % of noise on messages and 10 % of lost synapses"
    source: ClassVar[Source] = Source(
        "Faisal, Selen & Wolpert", 2008, "Noise in the nervous system", "10.1038/nrn2258"
    )
    grades: ClassVar[tuple[Grade, ...]] = (Grade.TEST,)

    def check(self, evidence):
        if not evidence.intervenes:
            why = "it gets its life as a whole; nothing can be changed in it"
            return not_applicable(why, Grade.TEST)
        tried = [insult for insult in INSULTS if evidence.touched(insult)]
        if not tried:
            return not_applicable("there are neither messages nor weights", Grade.TEST)
        before = evidence.accuracy()
        if before < chance(evidence) + MARGIN:
            how = f"accuracy {before:.2f}, {evidence.subject.taught}"
            return not_applicable(f"it learns nothing here ({how})", Grade.TEST)
        value = "; ".join(f"{insult}: {shown(evidence, insult)}" for insult in tried)
        witnesses = [beyond(evidence, insult, TOLERATED) for insult in tried]
        witness = "; ".join(filter(None, witnesses))
        return violated(Grade.TEST, witness, value) if witness else upheld(Grade.TEST, value)
