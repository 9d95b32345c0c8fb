"""A synapse knows itself and its two cells."""

from __future__ import annotations

from typing import ClassVar

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.verdict import Grade, upheld, violated
from metaplast.source import Source


class SynapticLocality(AbstractConstraint):
    """What a synapse becomes depends only on its own weight and memory, on its two cells, and on
    values that are broadcast to everybody.

    What it can miss: a step that is another program elsewhere, because it looks at the size of an
    axis or at how often it was traced.
    """

    name: ClassVar[str] = "synaptic_locality"
    claim: ClassVar[str] = (
        "the change of a synapse depends only on its own weight and memory, its two cells, "
        "and broadcast modulators"
    )
    source: ClassVar[Source] = Source(
        "Bengio, Lee, Bornschein, Mesnard & Lin", 2015,
        "Towards biologically plausible deep learning",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF,)

    def check(self, evidence):
        reads = evidence.reads
        found = reads.beyond(reads.to_synapses)
        if found:
            return violated(Grade.PROOF, reads.witness(found[0]), f"{len(found)} influences")
        return upheld(Grade.PROOF)
