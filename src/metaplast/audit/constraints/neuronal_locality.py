"""A cell knows itself, its synapses, and the cells that these come from."""

from __future__ import annotations

from typing import ClassVar

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.verdict import Grade, upheld, violated
from metaplast.source import Source


class NeuronalLocality(AbstractConstraint):
    """What a cell does depends on itself, on the synapses that end at it, on the cells that these
    or wires come from, and on broadcasts.

    A softmax, a layer normalization or batch statistics over cells is a violation, unless the
    circuit that computes it is there: an interneuron that hears all cells and answers them. The
    stimulus enters at the input cells, cell by cell, and the target at the output cells.

    What it can miss: a cell that is a whole network within itself, and messages of which each
    listener takes its own digit.
    """

    name: ClassVar[str] = "neuronal_locality"
    claim: ClassVar[str] = (
        "the state of a cell reads only its own state, its own incoming synapses, the cells that "
        "the anatomy lets it hear, and broadcasts"
    )
    source: ClassVar[Source] = Source(
        "Whittington & Bogacz", 2019, "Theories of error back-propagation in the brain",
        "10.1016/j.tics.2018.12.005",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF,)

    def check(self, evidence):
        reads = evidence.reads
        found = reads.beyond(reads.to_cells)
        if found:
            return violated(Grade.PROOF, reads.witness(found[0]), f"{len(found)} influences")
        return upheld(Grade.PROOF)
