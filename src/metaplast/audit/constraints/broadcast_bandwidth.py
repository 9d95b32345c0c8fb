"""What everybody hears is little."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

FEW = 4.0
"""Bits of one value beyond which an error vector could be packed into it."""
MOST = 4
"""Values that may be broadcast: dopamine, serotonin, acetylcholine and noradrenaline."""


class BroadcastBandwidth(AbstractConstraint):
    """A broadcast has a few values at most, and not more of them in a larger network.

    Only values that some cell or synapse reads count. The number of bits is that of the distinct
    values seen in sampled lives, which is a lower bound: a real number can carry more, and what
    is packed into its low bits is bounded by the type alone, so that is reported, too. Reading
    anything of the world but stimulus and target is an undeclared broadcast.

    What it can miss: several numbers in the digits of one. Where more than `FEW` bits are seen,
    the verdict says that they could be there; an honest graded reward has as many.
    """

    name: ClassVar[str] = "broadcast_bandwidth"
    claim: ClassVar[str] = (
        f"at most {MOST} values are broadcast, however large the network; nothing else is heard "
        "by everybody"
    )
    source: ClassVar[Source] = Source(
        "Frémaux & Gerstner", 2016,
        "Neuromodulated spike-timing-dependent plasticity, and theory of three-factor learning "
        "rules",
        "10.3389/fncir.2015.00085",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF,)

    def check(self, evidence):
        reads = evidence.reads
        p, rows = reads.places, reads.rows
        hearing = (p.kind[rows] == Kind.CELL) | (p.kind[rows] == Kind.SYNAPSE)
        declared = p.where(kind=Kind.WORLD, owner="stimulus")
        declared |= p.where(kind=Kind.WORLD, owner="target")
        undeclared = reads.beyond(~(hearing[:, None] & (p.kind == Kind.WORLD) & ~declared))
        if undeclared:
            return violated(Grade.PROOF, reads.witness(undeclared[0]), "an undeclared broadcast")

        heard = np.asarray(reads.matrix[hearing].any(0))
        made = [(n, leaf) for n, leaf in enumerate(p.made) if leaf.kind is Kind.BROADCAST]
        used = [
            (n, leaf) for n, leaf in made
            if heard[leaf.numbers].any() or heard[p.leaves[n].numbers].any()
        ]  # fmt: skip
        if not used:
            return not_applicable("no cell or synapse hears a broadcast", Grade.PROOF)
        width = sum(leaf.size for _, leaf in used)
        value = f"{width} x {self._bits(evidence, [n for n, _ in used])}"
        names = {(leaf.owner, leaf.field) for _, leaf in used}
        wide = f"broadcast {', '.join(sorted({owner for owner, _ in names}))}"
        if width > MOST:
            return violated(Grade.PROOF, f"{wide} has {width} values", value)
        larger = [
            sum(f.size for f in other.fields
                if f.kind is Kind.BROADCAST and (f.owner, f.field) in names)
            for other in map(evidence.grown, ("large", "deep")) if other is not None
        ]  # fmt: skip
        for other in larger:
            if other != width:
                witness = f"{wide} has {width} values, and {other} in a larger network"
                return violated(Grade.PROOF, witness, value)
        if not larger and width > 1:
            for group in p.anatomy.groups:
                if group.size == width:
                    witness = (
                        f"{wide} is as wide as {group.name}, and there is no larger instance to "
                        "show that this is by chance"
                    )
                    return violated(Grade.PROOF, witness, value)
        return upheld(Grade.PROOF, value)

    def _bits(self, evidence, positions: list[int]) -> str:
        """Bits per value: seen in sampled lives, and what the type can carry."""
        lived = evidence.lives
        seen, most = 0.0, 0
        for position in positions:
            leaf = evidence.leaf(position, lived)
            values = leaf.reshape(leaf.shape[0] * leaf.shape[1], -1)
            distinct = max((len(np.unique(column)) for column in values.T), default=1)
            bits = 1 if leaf.dtype == bool else 8 * leaf.dtype.itemsize
            seen, most = max(seen, min(np.log2(distinct), bits)), max(most, bits)
        warning = "; more than a few: several numbers could be packed in" if seen > FEW else ""
        return f"{seen:.1f} bits seen of {most}{warning}"
