"""A cell excites or inhibits, and never changes its mind."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.delivered import STRAY, TIMES, Delivered
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source


class DalesLaw(AbstractConstraint):
    """All weights that leave a cell have one sign, over all bundles and from birth on.

    Driving, lateral and feedback synapses of one cell count together. Silent synapses (zero)
    count as neither. Wires without weights excite.

    The sign is that of what a synapse does to the cell that hears it, whatever it stores: where
    something else arrives than what the weights say (`delivered`), all of it is looked at, too. A
    listener may turn the sign of all that it hears about (by its response, or because it
    compares), if not always that of the same listeners and never that of others.

    What it can miss: a sign that changes only in other lives, or later; a delivery over more than
    one moment, or over messages that no field of a cell holds.
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

        signs = {
            population: (
                np.any([(v > 0).any((1, 2)) for _, v in bundles], 0),
                np.any([(v < 0).any((1, 2)) for _, v in bundles], 0),
            )
            for population, bundles in leaving.items()
        }  # by life and pre-synaptic cell: does it ever excite, does it ever inhibit?
        witness = ""
        if not self._plain(evidence, leaving):
            witness = self._delivered(evidence, leaving, signs)
        excite, inhibit, both = 0, 0, 0
        for population, (up, down) in signs.items():
            excite, inhibit = excite + (up & ~down).sum(), inhibit + (down & ~up).sum()
            both += (up & down).sum()
            if (up & down).any() and not witness:
                life, cell = np.argwhere(up & down)[0]
                witness = self._witness(made, leaving[population], population, life, cell)
        total = excite + inhibit + both
        if not total:
            return not_applicable("all weights are zero all life long", Grade.TEST)
        value = (
            f"excitatory : inhibitory {excite / total:.2f} : {inhibit / total:.2f}, "
            f"{100 * (excite + inhibit) / total:.0f} % of the cells keep it"
        )
        return violated(Grade.TEST, witness, value) if both else upheld(Grade.TEST, value)

    def _plain(self, evidence, leaving) -> bool:
        """Whether the fields of the weights alone break the law, in bundles that deliver nothing
        else than what these say: then nothing more has to be looked at."""
        made, anatomy = evidence.reads.places.made, evidence.subject.anatomy
        for bundles in leaving.values():
            both = [
                (v > 0).any((1, 2)) & (v < 0).any((1, 2)) for position, v in bundles
                if evidence.deliveries.stored(anatomy.bundle(made[position].owner))
            ]  # fmt: skip
            if np.any(both):
                return True
        return False

    def _delivered(self, evidence, leaving, signs) -> str:
        """Takes what bundles deliver into account where that has other signs than their weights;
        who both excites and inhibits so, in words, or nothing."""
        anatomy, witness = evidence.subject.anatomy, ""
        made, times = evidence.reads.places.made, np.array(TIMES)
        for population, bundles in leaving.items():
            kept, other = [], []
            for position, values in bundles:
                bundle = anatomy.bundle(made[position].owner)
                delivered = _distinct(evidence.deliveries.of(bundle))
                # The field at a moment is what was there after the one before.
                stored = values[:, times]
                against = [d for d in delivered if _contradicts(d.lived, stored)]
                other += [(bundle.name, d) for d in against]
                if against and len(against) == len(delivered):
                    values = against[0].lived  # the field says nothing at all
                kept.append(values)
            up = np.any([(v > 0).any((1, 2)) for v in kept], 0)
            down = np.any([(v < 0).any((1, 2)) for v in kept], 0)
            for name, d in other:
                mixed = (d.lived > 0).any((1, 2)) & (d.lived < 0).any((1, 2))
                if mixed.any() and not witness:
                    life, cell = (int(i) for i in np.argwhere(mixed)[0])
                    effects = d.lived[life, :, :, cell]
                    witness = (
                        f"cell {population}[{cell}] excites and inhibits over {name}, whatever "
                        f"its weights say: {d.heard} changes by {np.nanmin(effects):.3g} to "
                        f"{np.nanmax(effects):.3g} with {d.said}"
                    )
                up, down = up | mixed, down | mixed
            signs[population] = up, down
        return witness

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


def _distinct(delivered: list[Delivered]) -> list[Delivered]:
    """What arrives of a little more and less; of the most and the least where that is nothing."""
    slight = {(d.said, d.heard) for d in delivered if d.slight}
    found = [d for d in delivered if d.direct and (d.slight or (d.said, d.heard) not in slight)]
    return sorted(found, key=lambda d: not d.slight)


def _contradicts(effect: np.ndarray, stored: np.ndarray) -> bool:
    """Whether effects `[lives, times, post, pre]` have other signs than the weights.

    A listener may turn the signs of all that it hears; but not always the same listeners, and
    never others.
    """
    turned = np.sign(np.nan_to_num(effect)) * np.sign(np.nan_to_num(stored))
    heard = np.nan_to_num(effect) != 0
    up, down = (turned > 0).any(-1), ((turned < 0) | (heard & (turned == 0))).any(-1)
    rows = heard.any(-1)
    if not rows.any() or (up & down)[rows].mean() > STRAY:
        return bool(rows.any())
    always_up, always_down = ((~other | ~rows).all(1) & rows.any(1) for other in (down, up))
    # By life: some listeners that always turn the sign, and some that never do.
    return bool((always_up.any(-1) & always_down.any(-1)).all())
