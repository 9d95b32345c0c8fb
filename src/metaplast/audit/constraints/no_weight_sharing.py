"""Every synapse has a weight of its own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source


class NoWeightSharing(AbstractConstraint):
    """No two synapses are held at the same weight: no tying across space.

    Proven: no synapse reads a synapse of the same bundle that ends at another cell. (Of those
    that end at the same one, `synaptic_locality` speaks.) Tested: no two synapses of a bundle are
    bit for bit the same throughout all sampled lives. Weights that are zero or never change do
    not count, nor do the two synapses between the same two cells of a population: a rule that is
    symmetric in its two cells keeps them equal, and tells neither of the other.

    What it can miss: synapses that are the same up to noise or rounding.
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
        weights = evidence.weights(evidence.lives)
        for name, lived in weights.items():
            same = self._same(lived, p.anatomy.bundle(name).way == "lateral")
            if same:
                one, other = (list(synapse) for synapse in same)
                witness = f"weights of synapses {name}{one} and {name}{other} are always the same"
                return violated(Grade.TEST, witness)
        return upheld(Grade.TEST, f"{sum(w[0, 0].size for w in weights.values())} synapses")

    def _same(self, lived: np.ndarray, lateral: bool) -> tuple | None:
        """Two synapses that have the same weight throughout `[lives, moments, post, pre]`."""
        flat = lived.reshape(-1, *lived.shape[2:])
        seen: dict[bytes, tuple[int, int]] = {}
        changing = (lived != lived[:, :1]).any((0, 1)) & np.isfinite(flat).all(0)
        for post, pre in np.argwhere(changing).tolist():
            whole = flat[:, post, pre].tobytes()
            first = seen.setdefault(whole, (post, pre))
            if first != (post, pre) and not (lateral and first == (pre, post)):
                return first, (post, pre)
        return None
