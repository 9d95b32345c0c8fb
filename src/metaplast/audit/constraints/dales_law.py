"""A cell excites or inhibits, and never changes its mind."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source


class DalesLaw(AbstractConstraint):
    """All weights that leave a cell have one sign, over all bundles and from birth on.

    Driving, lateral and feedback synapses of one cell count together. Silent synapses (zero)
    count as neither. Wires without weights excite.

    What it can miss: a sign that changes only in other lives, or later.
    """

    name: ClassVar[str] = "dales_law"
    claim: ClassVar[str] = "the weights that leave a cell have one sign, all life long"
    source: ClassVar[Source] = Source(
        "Cornford, Kalajdzievski, Leite, Lamarquette, Kullmann & Richards", 2021,
        "Learning to live with Dale's principle: ANNs with separate excitatory and inhibitory "
        "units",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.TEST,)

    def check(self, evidence):
        made, lives, births = evidence.reads.places.made, evidence.lives, evidence.births
        anatomy = evidence.subject.anatomy
        leaving: dict[str, list[tuple[int, np.ndarray]]] = {}
        for position in evidence.reads.efficacies.values():
            bundle = anatomy.bundle(made[position].owner)
            later = evidence.leaf(position, lives)
            newborn = evidence.leaf(position, births)[: len(later), None]
            values = np.concatenate([newborn, later], 1) * bundle.mask
            leaving.setdefault(bundle.pre, []).append((position, values))
        if not leaving:
            return not_applicable("there are no weights", Grade.TEST)

        witness, excite, inhibit, both = "", 0, 0, 0
        for population, bundles in leaving.items():
            # By life and pre-synaptic cell: does it ever excite, does it ever inhibit?
            up = np.any([(v > 0).any((1, 2)) for _, v in bundles], 0)
            down = np.any([(v < 0).any((1, 2)) for _, v in bundles], 0)
            excite, inhibit = excite + (up & ~down).sum(), inhibit + (down & ~up).sum()
            both += (up & down).sum()
            if (up & down).any() and not witness:
                life, cell = np.argwhere(up & down)[0]
                witness = self._witness(made, bundles, population, life, cell)
        total = excite + inhibit + both
        if not total:
            return not_applicable("all weights are zero all life long", Grade.TEST)
        value = (
            f"excitatory : inhibitory {excite / total:.2f} : {inhibit / total:.2f}, "
            f"{100 * (excite + inhibit) / total:.0f} % of the cells keep it"
        )
        return violated(Grade.TEST, witness, value) if both else upheld(Grade.TEST, value)

    @staticmethod
    def _witness(made, bundles, population, life, cell) -> str:
        parts = []
        for sign, verb in ((1, "excites"), (-1, "inhibits")):
            for position, values in bundles:
                found = np.argwhere(sign * values[life, :, :, cell] > 0)
                if len(found):
                    moment, post = (int(i) for i in found[0])
                    weight = values[life, moment, post, cell]
                    when = "at birth" if moment == 0 else f"after {moment} moments"
                    where = f"{made[position].owner}[{post}, {cell}]"
                    parts.append(f"{verb} {where} ({weight:.3g} {when})")
                    break
        return f"cell {population}[{cell}] " + " and ".join(parts)
