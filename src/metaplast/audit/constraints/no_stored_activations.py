"""What a cell or a synapse remembers does not grow, and is no recording."""

from __future__ import annotations

import itertools
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind, Leaf
from metaplast.audit.reads import Found, Reads
from metaplast.audit.verdict import Finding, Grade, upheld, violated
from metaplast.source import Source

MOST = 16
"""Values that one cell or one synapse may carry from a moment to the next."""
SAME = 0.9999
"""Correlation from which on one value is the other one, in other units."""
ENOUGH = 10
"""Values of which a correlation is taken."""
OWNED = {Kind.CELL: 1, Kind.SYNAPSE: 2, Kind.BROADCAST: 0}
"""Axes of an array that tell its owners apart."""


class NoStoredActivations(AbstractConstraint):
    """No tape of what was, and no buffer of examples.

    A value is carried from a moment to the next if the next one reads it. Proven: what one cell,
    one synapse or one broadcast carries is a few values, which are not more of them in a longer
    life or in a larger or deeper network; and none of them is the old value of its neighbor (a
    shifting tape). Tested: nor is it that on the sampled lives, whatever else it reads; and no two
    values of one owner hold copies of one quantity from different
    moments (a ring buffer, or slots that are filled in any order), be it in other units: with an
    offset and a factor. An example that is stored once, in weights or as a trace of one value,
    passes.

    What it can miss: a recording that is spread over cells of its own, and is of the same size in
    every life (a delay line is anatomy); one that is packed into the digits of one value; copies
    that fade from moment to moment, or are stored as curved functions of what they copy.
    """

    name: ClassVar[str] = "no_stored_activations"
    claim: ClassVar[str] = (
        "what a cell or a synapse carries to the next moment is constant in horizon, depth and "
        "experience, and is no recording of earlier moments"
    )
    source: ClassVar[Source] = Source(
        "Lillicrap & Santoro", 2019, "Backpropagation through time and the brain",
        "10.1016/j.conb.2019.01.011",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF, Grade.TEST)

    def check(self, evidence):
        reads = evidence.reads
        # What a moment begins with comes first among the places, in the order of what it makes.
        carried = np.asarray(reads.matrix[:, : len(reads.rows)].any(0))
        owners, names = self._owners(reads)
        counts = np.bincount(owners, carried, len(names))
        kinds = np.array([kind for kind, *_ in names])
        cell, synapse = (
            int(counts[kinds == kind].max(initial=0)) for kind in (Kind.CELL, Kind.SYNAPSE)
        )
        value = f"{cell} per cell, {synapse} per synapse"
        if counts.max(initial=0) > MOST:
            place = int(np.flatnonzero(carried & (owners == counts.argmax()))[0])
            witness = (
                f"{int(counts.max())} values are carried where "
                f"{reads.places.describe(int(reads.rows[place]))} is, expected {MOST} at most"
            )
            return violated(Grade.PROOF, self._growth(evidence, carried) or witness, value)
        witness = self._growth(evidence, carried) or self._shift(reads, owners)
        if witness:
            return violated(Grade.PROOF, witness, value)
        return (
            self._late(evidence, owners, carried, value)
            or self._ring(evidence, owners, carried, value)
            or upheld(Grade.TEST, value)
        )

    def _owners(self, reads: Reads) -> tuple[np.ndarray, list[tuple]]:
        """The number of the owner of every made place, and what owns by number."""
        p, numbers, of = reads.places, {}, []
        for row in reads.rows:
            kind = Kind(p.kind[row])
            spot = (p.post[row], p.pre[row]) if kind is not Kind.BROADCAST else ()
            key = (kind, p.leaves[p.leaf[row]].owner, *spot)
            of.append(numbers.setdefault(key, len(numbers)))
        return np.array(of), list(numbers)

    def _growth(self, evidence, carried: np.ndarray) -> str:
        """A field that has another size elsewhere; empty if there is none."""
        small = evidence.fields
        first = small[0].first
        known = {(f.kind, f.owner, f.field): f for f in small}
        kept = {
            (f.kind, f.field) for f in small
            if carried[f.first - first : f.first - first + f.size].any()
        }  # fmt: skip
        longer = evidence.grown("long")
        for f in longer.fields if longer is not None else ():
            same = known.get((f.kind, f.owner, f.field))
            if same is None or same.shape != f.shape:
                before = list(same.shape) if same else "not there"
                return f"{_named(f)} has shape {list(f.shape)} in a longer life, else {before}"
        for which in ("large", "deep"):
            other = evidence.grown(which)
            for f in other.fields if other is not None else ():
                if f.kind is Kind.BROADCAST:
                    continue  # of which `broadcast_bandwidth` speaks
                like = [g for g in small if (g.kind, g.field) == (f.kind, f.field)]
                same = known.get((f.kind, f.owner, f.field))
                sizes = {g.shape[OWNED[g.kind] :] for g in ([same] if same else like)}
                if (f.kind, f.field) in kept or not like:
                    inner = f.shape[OWNED[f.kind] :]
                    if inner not in sizes:
                        seen = " or ".join(str(list(s)) for s in sizes) or "not there"
                        return f"{_named(f)} keeps {list(inner)} in a {which} network, else {seen}"
        return ""

    def _shift(self, reads: Reads, owners: np.ndarray) -> str:
        """A value that becomes the old value of its neighbor; empty if there is none."""
        p = reads.places
        source = reads.matrix.argmax(1)
        size = len(reads.rows)
        itself = np.arange(size)
        alone = (reads.matrix.sum(1) == 1) & (source < size) & (source != itself)
        copy = np.zeros(size, bool)
        copy[alone] = owners[alone] == owners[source[alone]]
        same_field = copy & (p.leaf[reads.rows] == p.leaf[reads.rows[source % size]])
        twice = copy & copy[source % size]
        for row in np.flatnonzero(same_field | twice):
            return reads.witness(Found(int(reads.rows[row]), int(source[row])))
        return ""

    def _late(self, evidence, owners, carried, value) -> Finding | None:
        """A value that is at every moment what its neighbor was at the moment before, although it
        reads more than that; of another field only if that is so of the neighbor, too."""
        reads = evidence.reads
        p, made = reads.places, _series(evidence.lives)
        finite = np.isfinite(made)
        several = np.flatnonzero(carried & (np.bincount(owners, carried) >= 2)[owners])
        # What is the same in all lives is a clock's, and what hardly changes comes back by chance.
        moves = (made[:, 1:] != made[:, :-1]) & finite[:, 1:] & finite[:, :-1]
        moves = (moves.sum(1).max(0) >= ENOUGH) & (made != made[:1]).any((0, 1))
        source: dict[int, int] = {}
        for owner in np.unique(owners[several]):
            mine = [int(row) for row in several[owners[several] == owner] if moves[row]]
            for row, other in itertools.permutations(mine, 2):
                differ = made[:, 1:, row] != made[:, :-1, other]
                if not (differ & finite[:, 1:, row] & finite[:, :-1, other]).any():
                    source.setdefault(row, other)
        leaf = p.leaf[reads.rows]
        for row, other in source.items():
            if leaf[row] == leaf[other] or other in source:
                one, two = (p.describe(int(reads.rows[n])) for n in (row, other))
                witness = f"{one} is always what {two} was at the moment before"
                return violated(Grade.TEST, witness, value)
        return None

    def _ring(self, evidence, owners, carried, value) -> Finding | None:
        """Values of one owner that hold copies of one quantity, of different moments."""
        reads = evidence.reads
        p, size = reads.places, len(reads.rows)
        several = np.bincount(owners, carried) >= 2
        holding = carried & several[owners] & reads.matrix[np.arange(size), np.arange(size)]
        if not holding.any():
            return None
        made, world = _series(evidence.lives), _series(evidence.experiences)
        changes = np.zeros(made.shape, bool)
        changes[:, 1:] = made[:, 1:] != made[:, :-1]
        holding &= (changes.mean((0, 1)) <= 0.5) & (changes.sum((0, 1)) >= 3)
        found: dict[tuple[int, int], list[int]] = {}
        for row in np.flatnonzero(holding):
            when = changes[:, :, row]
            values = made[:, :, row][when]
            for read in reads.of(int(reads.rows[row])):
                if p.now[read]:
                    copied = made[:, :, read - reads.first][when]
                elif p.kind[read] == Kind.WORLD:
                    copied = world[:, :, read - size][when]
                else:
                    continue
                if not _copies(values, copied):
                    continue
                for other in found.setdefault((owners[row], int(read)), []):
                    both = (changes[:, :, row] & changes[:, :, other]).sum()
                    if 2 * both > changes[:, :, row].sum():
                        continue  # written at the same moments: one recording, twice
                    one, two, of = (
                        p.describe(int(place))
                        for place in (reads.rows[other], reads.rows[row], read)
                    )
                    witness = f"{one} and {two} hold copies of {of}, of different moments"
                    return violated(Grade.TEST, witness, value)
                found[owners[row], int(read)].append(int(row))
        return None


def _copies(values: np.ndarray, copied: np.ndarray) -> bool:
    """Whether values are those of another place, as they are or in other units."""
    if len(np.unique(values)) <= 2:
        return False
    if np.array_equal(values, copied):
        return True
    finite = np.isfinite(values) & np.isfinite(copied)
    values, copied = values[finite], copied[finite]
    if len(values) < ENOUGH or len(np.unique(values)) <= 2:
        return False
    if len(np.unique(copied)) <= 2:
        return False
    return abs(float(np.corrcoef(values, copied)[0, 1])) > SAME


def _series(tree) -> np.ndarray:
    """All numbers of states or experiences over lives, `[lives, moments, numbers]`."""
    columns = []
    for leaf in jax.tree.leaves(tree):
        key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        numbers = np.zeros(leaf.shape) if key else np.asarray(leaf).astype(float)
        columns.append(numbers.reshape(*leaf.shape[:2], -1))
    return np.concatenate(columns, -1)


def _named(leaf: Leaf) -> str:
    kind = {Kind.CELL: "population", Kind.SYNAPSE: "projection", Kind.BROADCAST: "broadcast"}
    return f"{leaf.field} of {kind[leaf.kind]} {leaf.owner}".removeprefix(" of ")
