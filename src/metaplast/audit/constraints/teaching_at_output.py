"""What was wanted is told to the output cells, and to nobody else."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind
from metaplast.audit.reads import Found
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source


class TeachingAtOutput(AbstractConstraint):
    """The target enters at the output cells; whoever else is taught, is taught by them.

    A broadcast may judge what the output cells did (reward, surprise, a mistake). A broadcast
    that is made of the target without them is the label itself, told to everybody.
    """

    name: ClassVar[str] = "teaching_at_output"
    claim: ClassVar[str] = (
        "only output cells read the target; a broadcast may judge what they did with it"
    )
    source: ClassVar[Source] = Source(
        "Lillicrap, Santoro, Marris, Akerman & Hinton", 2020, "Backpropagation and the brain",
        "10.1038/s41583-020-0277-3",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF,)

    def check(self, evidence):
        reads = evidence.reads
        p, rows = reads.places, reads.rows
        target = p.where(kind=Kind.WORLD, owner="target")
        told = reads.matrix[:, target].any(1)
        if not told.any():
            return not_applicable("nobody is taught", Grade.PROOF)
        output = p.where(kind=Kind.CELL, owner=reads.subject.output[0])
        broadcast = p.kind == Kind.BROADCAST
        astray = np.flatnonzero(told & ~(output | broadcast)[rows])
        if astray.size:
            whose = p.kind[rows[astray]] == Kind.CELL
            value = f"{whose.sum()} values of cells, {(~whose).sum()} of synapses"
            return violated(Grade.PROOF, self._witness(reads, int(astray[0]), target), value)
        for row in np.flatnonzero(told & broadcast[rows]).tolist():
            alone = np.zeros(len(rows), bool)
            alone[row] = True
            if not (reads.upstream(alone) & output).any() and self._is_heard(reads, row, output):
                witness = self._witness(reads, row, target) + ", and no output cell"
                return violated(Grade.PROOF, witness, "the label, broadcast")
        return upheld(Grade.PROOF)

    def _witness(self, reads, row: int, target: np.ndarray) -> str:
        read = np.flatnonzero(reads.matrix[row] & target)[0]
        return reads.witness(Found(int(reads.rows[row]), int(read)))

    def _is_heard(self, reads, row: int, output: np.ndarray) -> bool:
        """Whether anybody but output cells hears a broadcast, at this moment or the next."""
        p = reads.places
        number = p.leaf[reads.rows[row]]
        leaf = p.leaves[number]
        before = p.leaves[number - p.inputs].first + reads.rows[row] - leaf.first
        return bool(reads.matrix[~output[reads.rows]][:, [reads.rows[row], before]].any())
