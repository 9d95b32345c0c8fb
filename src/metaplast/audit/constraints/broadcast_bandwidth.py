"""What everybody hears is little."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind, Leaf
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

        used = _used(evidence)
        if not used:
            return not_applicable("no cell or synapse hears a broadcast", Grade.PROOF)
        width = sum(leaf.size for leaf in used.values())
        value = f"{width} x {self._bits(evidence, list(used))}"
        wide = f"broadcast {_names(used)}"
        if width > MOST:
            return violated(Grade.PROOF, f"{wide} has {width} values", value)
        larger = [
            _used(other) for other in map(evidence.grown, ("large", "deep")) if other is not None
        ]
        for others in larger:
            # By their number and not by their names: every layer may have one of its own.
            more = sum(leaf.size for leaf in others.values())
            if more != width:
                witness = f"{wide} has {width} values, and {more} in a larger network"
                new = _names(others)
                witness += f": {new}" if new != _names(used) else ""
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


def _used(evidence) -> dict[int, Leaf]:
    """The broadcasts that some cell or synapse hears, by position of the flat output."""
    reads = evidence.reads
    p, rows = reads.places, reads.rows
    hearing = (p.kind[rows] == Kind.CELL) | (p.kind[rows] == Kind.SYNAPSE)
    heard = np.asarray(reads.matrix[hearing].any(0))
    # The state comes first among what the step is given, in the order in which it returns it.
    return {
        n: now for n, (now, before) in enumerate(zip(p.made, p.leaves, strict=False))
        if now.kind is Kind.BROADCAST
        and (heard[now.numbers].any() or heard[before.numbers].any())
    }  # fmt: skip


def _names(used: dict[int, Leaf]) -> str:
    return ", ".join(sorted({leaf.owner for leaf in used.values()}))
