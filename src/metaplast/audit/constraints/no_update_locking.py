"""A synapse need not wait for the rest of the network."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind
from metaplast.audit.reads import Found, Reads
from metaplast.audit.robustness import shown
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

LATE = "late messages"
"""The intervention."""


class NoUpdateLocking(AbstractConstraint):
    """Within a moment, a synapse does not wait for cells that wait for its own post-synaptic cell.

    A synapse onto cell b is locked if its change depends on what a cell of another population
    does at this moment, which in turn depends on what b does at this moment: signals have to go
    out and come back before b can go on to the next stimulus. Signals of an earlier moment lock
    nobody. Local interneurons, which hear and answer one population only, are part of it.

    Reported: for how many populations an update waits, and for how many in a deeper network; and
    what it costs when a tenth of the messages, chosen anew at every moment, are those of the
    moment before, as if cells were updated at random times.
    """

    name: ClassVar[str] = "no_update_locking"
    claim: ClassVar[str] = (
        "the change of a synapse waits for no cell that itself waits for the post-synaptic cell "
        "at the same moment"
    )
    source: ClassVar[Source] = Source(
        "Jaderberg, Czarnecki, Osindero, Vinyals, Graves, Silver & Kavukcuoglu", 2017,
        "Decoupled neural interfaces using synthetic gradients", "10.48550/arXiv.1608.05343",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF,)

    def check(self, evidence):
        reads = evidence.reads
        if not self._changing(reads).any():
            return not_applicable("no synapse changes", Grade.PROOF)
        waited, witness = self._longest(reads)
        if not waited:
            return upheld(Grade.PROOF, f"waits for 0 populations{self._lateness(evidence)}")
        value = f"waits for {waited} populations"
        deep = evidence.grown("deep")
        if deep is not None:
            value += f", for {self._longest(deep.reads)[0]} in a deeper network"
        return violated(Grade.PROOF, witness, value + self._lateness(evidence))

    def _lateness(self, evidence) -> str:
        """What late messages do to the accuracy, in words; nothing where it cannot be tried."""
        if not evidence.intervenes or not evidence.touched(LATE):
            return ""
        return f"; {LATE}: {shown(evidence, LATE)}"

    def _changing(self, reads: Reads) -> np.ndarray:
        """Bool `[made]`: synaptic values that become anything but what they were."""
        p, rows = reads.places, reads.rows
        alone = np.zeros(len(rows), bool)
        for now, before in zip(p.made, p.leaves, strict=False):  # the state comes first
            columns = before.first + np.arange(now.size)
            mine = np.arange(now.size) + now.first - reads.first
            alone[mine] = reads.matrix[mine, columns] & (reads.matrix[mine].sum(1) == 1)
        return (p.kind[rows] == Kind.SYNAPSE) & ~alone

    def _longest(self, reads: Reads) -> tuple[int, str]:
        """The largest number of populations that an update waits for, and the witness."""
        p, rows = reads.places, reads.rows
        groups = [g.name for g in p.anatomy.groups]
        changing, most, witness = self._changing(reads), 0, ""
        for number, bundle in enumerate(p.anatomy.bundles):
            mine = changing & (p.owner[rows] == number)
            if not mine.any():
                continue
            own = groups.index(bundle.post)
            depending = reads.downstream((p.kind[rows] == Kind.CELL) & (p.owner[rows] == own))
            upstream = reads.upstream(mine)[reads.first :]
            locking = upstream & depending & (p.kind[rows] == Kind.CELL)
            others = [
                n for n in np.unique(p.owner[rows[locking]])
                if n != own and not self._local(p.anatomy, groups[n])
            ]  # fmt: skip
            if len(others) > most:
                most = len(others)
                waited = ", ".join(groups[n] for n in others)
                outside = locking & np.isin(p.owner[rows], others)
                line = self._line(reads, mine | (upstream & ~outside), outside)
                witness = f"synapses {bundle.name} wait for {waited}: {line}"
        return most, witness

    def _line(self, reads: Reads, waiting: np.ndarray, outside: np.ndarray) -> str:
        """Where what comes from the populations that are waited for comes back."""
        read = reads.matrix[:, reads.first :] & outside
        back = np.flatnonzero(waiting & read.any(1))
        row = back[0]
        return reads.witness(
            Found(int(reads.rows[row]), int(reads.rows[np.flatnonzero(read[row])[0]]))
        )

    def _local(self, anatomy, name: str) -> bool:
        """An interneuron: it hears and answers one population only, over wires."""
        group = anatomy.group(name)
        touching = [b for b in anatomy.bundles if name in (b.pre, b.post)]
        partners = {b.pre if b.post == name else b.post for b in touching}
        return bool(group.interneuron_of) or (
            group.size == 1 and len(partners) == 1 and all(b.way == "wire" for b in touching)
        )
