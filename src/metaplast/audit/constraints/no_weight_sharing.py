"""Every synapse has a weight of its own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from metaplast.audit.anatomy import Anatomy
from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

Weights = dict[str, Any]
"""`[..., post, pre]` by projection."""
Synapse = tuple[str, int, int]
"""Bundle, post- and pre-synaptic cell."""


class NoWeightSharing(AbstractConstraint):
    """No two synapses are held at the same weight: no tying across space.

    Proven: no synapse reads a synapse of the same bundle that ends at another cell. (Of those
    that end at the same one, `synaptic_locality` speaks.) Tested: no two synapses are bit for bit
    the same throughout all sampled lives. Weights that are zero or never change do not count, nor
    do two synapses between the same two cells: a rule that is symmetric in its two cells keeps
    them equal, and tells neither of the other. Synapses of different bundles count if one of them
    is drawn at birth: those that are born alike stay so where their cells do the same.

    What it can miss: synapses that are the same up to noise or rounding; and synapses of
    different bundles that no birth draws.
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
        same = self._same(p.anatomy, weights, born)
        if same:
            one, other = (f"{name}{[post, pre]}" for name, post, pre in same)
            return violated(
                Grade.TEST, f"weights of synapses {one} and {other} are always the same"
            )
        return upheld(Grade.TEST, f"{sum(w[0, 0].size for w in weights.values())} synapses")

    def _same(self, anatomy: Anatomy, weights: Weights, born: Weights) -> list[Synapse]:
        """Two synapses that have the same weight throughout all lives; none if there are none.

        Args:
            anatomy: whose bundles these are.
            weights: `[lives, moments, post, pre]` by bundle.
            born: `[births, post, pre]` by bundle.
        """
        seen: dict[bytes, list[tuple[Synapse, set, bool]]] = {}
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
                    if cells != ends and (other[0] == name or free or drawn[post, pre]):
                        return [other, (name, post, pre)]
                like.append(((name, post, pre), ends, bool(drawn[post, pre])))
        return []
