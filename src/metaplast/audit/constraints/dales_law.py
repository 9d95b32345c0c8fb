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
    count as neither, and so do wires, which have no weights.

    The sign is that of what a synapse does to the cell that hears it, whatever it stores: where
    something else arrives than what the weights say (`delivered`), all of it is looked at, too. A
    listener may turn the sign of all that it hears about (by its response, or because it
    compares), if not always that of the same listeners and never that of others. Where it takes
    some of the messages that it hears less the others, these inhibit.

    What it can miss: a sign that changes only in other lives, or later; what a cell does over a
    wire; a delivery over more than one moment, or over messages that no field of a cell holds.
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
        said_otherwise: dict[str, list[tuple[str, Delivered]]] = {}
        for population, bundles in leaving.items():
            for number, (position, values) in enumerate(bundles):
                bundle = anatomy.bundle(made[position].owner)
                delivered = _distinct(evidence.deliveries.of(bundle))
                # The field at a moment is what was there after the one before.
                stored = values[:, times]
                against = [d for d in delivered if _contradicts(d.lived, stored)]
                said_otherwise.setdefault(population, []).extend((bundle.name, d) for d in against)
                if against and len(against) == len(delivered):
                    bundles[number] = position, against[0].lived  # the field says nothing at all
        self._turn(evidence, leaving)
        for population, bundles in leaving.items():
            up = np.any([(v > 0).any((1, 2)) for _, v in bundles], 0)
            down = np.any([(v < 0).any((1, 2)) for _, v in bundles], 0)
            for name, d in said_otherwise[population]:
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

    def _turn(self, evidence, leaving) -> None:
        """Gives weights the sign with which they arrive, where a listener takes some of what it
        hears less the rest. Where its response turns all of that now and then, in whichever way
        round fewer cells break the law."""
        anatomy, made = evidence.subject.anatomy, evidence.reads.places.made
        places = [(p, n) for p, bundles in leaving.items() for n in range(len(bundles))]
        weights = {place: leaving[place[0]][place[1]][1] for place in places}
        # What arrives at one value of the cells that listen, of every message of every bundle.
        arriving: dict[tuple, list[tuple[tuple[str, int], np.ndarray]]] = {}
        for place in places:
            position, values = leaving[place[0]][place[1]]
            if values.shape[1] <= max(TIMES):
                continue  # its field says nothing
            for d in _distinct(evidence.deliveries.directly(anatomy.bundle(made[position].owner))):
                turning = _turning(d.lived, values[:, np.array(TIMES)])
                if turning.any():
                    arriving.setdefault((d.heard, d.values[1]), []).append((place, turning))
        taken: dict[tuple[str, int], list[np.ndarray]] = {place: [] for place in places}
        unlike = []
        for messages in arriving.values():
            _, first = max(messages, key=lambda message: np.abs(message[1]).sum())
            # By life and listener: whether a message is always turned where the first one is not.
            against = [(_always_against(turning, first), place) for place, turning in messages]
            if any(other.any() for other, _ in against):
                seldom = min((first > 0).sum(), (first < 0).sum()) <= STRAY * (first != 0).sum()
                sign = -1 if first.sum() < 0 else 1
                unlike.append((against, (sign,) if seldom else (sign, -sign)))
            else:
                for _, place in against:
                    taken[place].append(np.ones_like(first[:, 0]))
        for against, signs in unlike:
            ways = []
            for sign in signs:
                tried = {place: list(several) for place, several in taken.items()}
                for other, place in against:
                    tried[place].append(np.where(other, -sign, sign))
                ways.append(tried)
            taken = min(ways, key=lambda way: _lawless(weights, way))
        for population, bundles in leaving.items():
            arrive = []
            for number, (position, values) in enumerate(bundles):
                several = taken[population, number] or [np.ones(values.shape[::2][:2])]
                distinct = {turned.tobytes(): turned for turned in several}.values()
                arrive += [(position, values * turned[:, None, :, None]) for turned in distinct]
            bundles[:] = arrive

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
    slight = {(d.said, d.heard, d.values) for d in delivered if d.slight}
    found = [
        d for d in delivered
        if d.direct and (d.slight or (d.said, d.heard, d.values) not in slight)
    ]  # fmt: skip
    return sorted(found, key=lambda d: not d.slight)


def _turning(effect: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """`[lives, times, post]`: whether a listener turns the signs of all that it hears (-1), of
    nothing (1), or of a part of it, or hears nothing (0)."""
    turned = np.sign(np.nan_to_num(effect)) * np.sign(np.nan_to_num(stored))
    up, down = (turned > 0).any(-1), (turned < 0).any(-1)
    return up.astype(int) - down


def _always_against(turning: np.ndarray, first: np.ndarray) -> np.ndarray:
    """`[lives, post]`: whether one message is turned wherever another one is not; of nobody, where
    that is so of a few listeners only, at a kink of their response."""
    alike = turning * first
    always = (alike < 0).any(1) & ~(alike > 0).any(1)
    known = alike.any(1)
    return always & (always.sum() > STRAY * known.sum())


def _lawless(weights: dict, taken: dict) -> int:
    """How many cells both excite and inhibit, of those of all populations in all lives."""
    signs: dict[str, list[np.ndarray]] = {}
    for place, several in taken.items():
        for turned in several:
            acting = weights[place] * turned[:, None, :, None]
            both = np.stack([(acting > 0).any((1, 2)), (acting < 0).any((1, 2))])
            signs.setdefault(place[0], []).append(both)
    return sum(int(np.any(found, 0).all(0).sum()) for found in signs.values())


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
