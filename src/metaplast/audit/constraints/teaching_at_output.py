"""What was wanted is told to the output cells, and to nobody else."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind
from metaplast.audit.reads import Found
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

TELLS = 0.85
"""From which on a broadcast is the label: the share of moments whose target is that of the moment
with the nearest broadcast, less what the most frequent target gives, of all that this leaves. With
three targets that are equally frequent, nine of ten moments."""


class TeachingAtOutput(AbstractConstraint):
    """The target enters at the output cells; whoever else is taught, is taught by them.

    A broadcast may judge what the output cells did (reward, surprise, a mistake). A broadcast
    that is made of the target without them is the label itself, told to everybody; and so is one
    that they relay, made of fields that depend on the target and on nothing that was seen or done.
    Tested on lives: no broadcast of which the target can be read off in nearly every moment,
    whatever else it was mixed with; a guess that is always the most frequent target reads nothing
    off.

    What it can miss: a label in the stimulus, and one that a broadcast tells only in part or a
    moment later, mixed with what the output cells did. It can accuse a graded broadcast (such as
    a loss) of a learner that answers the same at every moment.
    """

    name: ClassVar[str] = "teaching_at_output"
    claim: ClassVar[str] = (
        "only output cells read the target; a broadcast may judge what they did with it"
    )
    source: ClassVar[Source] = Source(
        "Lillicrap, Santoro, Marris, Akerman & Hinton", 2020, "Backpropagation and the brain",
        "10.1038/s41583-020-0277-3",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF, Grade.TEST)

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
        taught = reads.ever(target)
        heard = [
            row for row in np.flatnonzero(taught & broadcast[rows]).tolist()
            if self._is_heard(reads, row, output)
        ]  # fmt: skip
        seen = reads.ever(p.where(kind=Kind.WORLD, owner="stimulus"))
        for row in heard:
            if not seen[row]:
                said = reads.matrix[row] & np.append(np.zeros(reads.first, bool), taught)
                read = np.flatnonzero(said if said.any() else reads.matrix[row])[0]
                witness = reads.witness(Found(int(rows[row]), int(read)))
                value = "the label, broadcast by way of the output cells"
                return violated(Grade.PROOF, f"{witness}, which depends on the target alone", value)
        if heard:
            share, loudest = self._tells(evidence, heard)
            most = np.unique(evidence.experiences["target"], return_counts=True)[1].max()
            guessed = most / evidence.experiences["target"].size
            value = (
                f"the nearest broadcast has the same target in {100 * share:.0f} % of moments, a "
                f"guess in {100 * guessed:.0f} %"
            )
            # Where there is one class, there is nothing to tell.
            if share - guessed > TELLS * (1 - guessed):
                witness = f"{p.describe(int(rows[loudest]))} tells which class was wanted: {value}"
                return violated(Grade.TEST, witness, "the label, broadcast")
            return upheld(Grade.TEST, value)
        return upheld(Grade.PROOF)

    def _tells(self, evidence, heard: list[int]) -> tuple[float, int]:
        """In how many moments of all lives the target is that of the moment with the nearest
        broadcast (where several are equally near, the share of them): of all broadcasts together
        or of one alone, whichever is more; and the one that tells most alone."""
        p = evidence.reads.places
        targets = np.asarray(evidence.experiences["target"]).reshape(-1)
        columns = []
        for row in heard:
            place = int(evidence.reads.rows[row])
            leaf = p.leaves[p.leaf[place]]
            values = evidence.leaf(int(p.leaf[place]) - p.inputs, evidence.lives)
            values = values.reshape(len(targets), -1)[:, place - leaf.first].astype(float)
            columns.append(_scaled(values))
        same = targets[:, None] == targets

        def share(columns: list[np.ndarray]) -> float:
            far = np.sum([np.abs(column[:, None] - column) for column in columns], 0)
            np.fill_diagonal(far, np.inf)
            near = far <= far.min(1, keepdims=True) + 1e-6
            return float(((near & same).sum(1) / near.sum(1)).mean())

        alone = [share([column]) for column in columns]
        return max(share(columns), *alone), heard[int(np.argmax(alone))]

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


def _scaled(values: np.ndarray) -> np.ndarray:
    """A broadcast in units of its spread, which few moments do not make; what is not finite is
    farther away than all that is."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        finite = np.zeros(1)
    low, high = np.quantile(finite, (0.1, 0.9))
    scaled = values / ((high - low) or finite.std() or 1.0)
    most = 2 * np.abs(scaled[np.isfinite(scaled)]).max(initial=0.0) + 1
    return np.nan_to_num(scaled, nan=2 * most, posinf=most, neginf=-most)
