"""Every synapse has a weight of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import jax
import numpy as np

from metaplast.audit.anatomy import Anatomy
from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.evidence import MOMENTS
from metaplast.audit.places import Kind
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

if TYPE_CHECKING:
    from metaplast.audit.evidence import Evidence
    from metaplast.audit.reads import Reads

Weights = dict[str, Any]
"""`[..., post, pre]` by projection."""
Synapse = tuple[str, int, int]
"""Bundle, post- and pre-synaptic cell."""
Pair = tuple[Synapse, Synapse]


class NoWeightSharing(AbstractConstraint):
    """No two synapses are held at the same weight: no tying across space.

    Proven: no synapse reads a synapse of the same bundle that ends at another cell. (Of those
    that end at the same one, `synaptic_locality` speaks.) Tested: no two synapses are bit for bit
    the same throughout all sampled lives. Weights that are zero or never change do not count, nor
    do two synapses between the same two cells: a rule that is symmetric in its two cells keeps
    them equal, and tells neither of the other. Synapses of which no birth draws any are born
    alike, and stay so where their cells do the same, or say nothing. They count if one of them is
    told what the other one's cell does; and if they come together, within a moment from the middle
    of a life, when they begin it apart.

    What it can miss: synapses that are the same up to noise or rounding; and synapses that no
    birth draws and that come together over several moments only.
    """

    name: ClassVar[str] = "no_weight_sharing"
    claim: ClassVar[str] = "every synapse has a weight of its own, tied to no other"
    source: ClassVar[Source] = Source(
        "Bartunov, Santoro, Richards, Marris, Hinton & Lillicrap", 2018,
        "Assessing the scalability of biologically-motivated deep learning algorithms and "
        "architectures",
        "10.48550/arXiv.1807.04587",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF, Grade.TEST)

    def check(self, evidence):
        reads = evidence.reads
        p, rows = reads.places, reads.rows
        if not reads.efficacies:
            return not_applicable("no synapse has a weight", Grade.PROOF)
        synapses = (p.kind[rows, None] == Kind.SYNAPSE) & (p.kind == Kind.SYNAPSE)
        bundle = synapses & (p.owner[rows, None] == p.owner)
        found = reads.beyond(~(bundle & (p.post[rows, None] != p.post)))
        if found:
            return violated(Grade.PROOF, reads.witness(found[0]), f"{len(found)} influences")
        weights, born = (evidence.weights(states) for states in (evidence.lives, evidence.births))
        drawn, alike = self._same(p.anatomy, weights, born)
        same = drawn or next((pair for pair in alike if self._told(reads, *pair)), None)
        if alike and not same:
            same = self._held(evidence, alike)
        if same:
            one, other = (f"{name}{[post, pre]}" for name, post, pre in same)
            return violated(
                Grade.TEST, f"weights of synapses {one} and {other} are always the same"
            )
        return upheld(Grade.TEST, f"{sum(w[0, 0].size for w in weights.values())} synapses")

    def _same(
        self, anatomy: Anatomy, weights: Weights, born: Weights
    ) -> tuple[Pair | None, list[Pair]]:
        """Two synapses that have the same weight throughout all lives, one of which is drawn at
        birth; None if there are none. And all such pairs of which none is.

        Args:
            anatomy: whose bundles these are.
            weights: `[lives, moments, post, pre]` by bundle.
            born: `[births, post, pre]` by bundle.
        """
        seen: dict[bytes, list[tuple[Synapse, set, bool]]] = {}
        alike: list[Pair] = []
        for name, lived in weights.items():
            bundle = anatomy.bundle(name)
            flat = lived.reshape(-1, *lived.shape[2:]).astype(float)
            finite = np.isfinite(lived) & np.isfinite(lived[:, :1])
            changing = ((lived != lived[:, :1]) & finite).any((0, 1)) & ~np.isnan(flat).any(0)
            drawn = (born[name] != born[name][:1]).any(0)
            for post, pre in np.argwhere(changing).tolist():
                ends = {(bundle.post, post), (bundle.pre, pre)}
                like = seen.setdefault(flat[:, post, pre].tobytes(), [])
                for other, cells, free in like:
                    if cells != ends and (free or drawn[post, pre]):
                        return (other, (name, post, pre)), []
                    if cells != ends:
                        alike.append((other, (name, post, pre)))
                like.append(((name, post, pre), ends, bool(drawn[post, pre])))
        return None, alike

    def _told(self, reads: Reads, one: Synapse, other: Synapse) -> bool:
        """Whether one of two synapses reads a cell at which only the other one begins or ends, so
        that they may be the same for being told the same."""
        p, groups = reads.places, [g.name for g in reads.places.anatomy.groups]
        ends = []
        for name, post, pre in (one, other):
            bundle = p.anatomy.bundle(name)
            ends.append({(groups.index(bundle.post), post), (groups.index(bundle.pre), pre)})
        for (name, post, pre), (mine, foreign) in zip(
            (one, other), (ends, ends[::-1]), strict=True
        ):
            at = p.where(kind=Kind.SYNAPSE, owner=name)[reads.rows]
            at &= (p.post[reads.rows] == post) & (p.pre[reads.rows] == pre)
            read = reads.matrix[at].any(0) & (p.kind == Kind.CELL)
            for group, cell in foreign - mine:
                if (read & (p.owner == group) & (p.post == cell)).any():
                    return True
        return False

    def _held(self, evidence: Evidence, alike: list[Pair]) -> Pair | None:
        """The first of some pairs that are the same a moment after they were set apart, in every
        life in which they were; None if none are."""
        half = MOMENTS // 2
        sane = evidence.sane(half)
        states = jax.tree.map(lambda leaf: leaf[:, half - 1], evidence.lives)
        worlds = jax.tree.map(lambda leaf: leaf[:, half], evidence.experiences)
        leaves, structure = jax.tree.flatten(states)
        rng = np.random.default_rng(0)
        for name in dict.fromkeys(name for pair in alike for name, *_ in pair):
            position = evidence.reads.efficacies[name]
            leaves[position] = _elsewhere(rng, leaves[position])
        begun = jax.tree.unflatten(structure, leaves)
        before, after = (evidence.weights(s) for s in (begun, evidence.stepped(begun, worlds)))
        for one, other in alike:
            apart, now_apart = (
                w[one[0]][:, *one[1:]] != w[other[0]][:, *other[1:]] for w in (before, after)
            )
            if (apart & sane).any() and not (now_apart & apart & sane).any():
                return one, other
        return None


def _elsewhere(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """Weights that are drawn anew, each by itself, as large as they are; whole ones stay whole."""
    finite = np.where(np.isfinite(weights.astype(float)), weights.astype(float), 0.0)
    largest = np.abs(finite).max(initial=0.0) or 1.0
    if weights.dtype == bool:
        return rng.random(weights.shape) < 0.5
    moved = finite + rng.uniform(-0.5, 0.5, weights.shape) * largest
    if not jax.numpy.issubdtype(weights.dtype, np.floating):
        limits = np.iinfo(weights.dtype)
        moved = np.clip(np.rint(moved), limits.min, limits.max)
    return np.where(np.isfinite(weights.astype(float)), moved, weights.astype(float)).astype(
        weights.dtype
    )
