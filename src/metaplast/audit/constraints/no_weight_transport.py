"""No cell knows the weights of synapses that end at another cell."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.alignment import (
    FALSE_ALARM,
    DeliveredPair,
    Pair,
    angle,
    delivered_pairs,
    dependence,
    dependence_up_to_factors,
    nothing_back,
    pairs,
    uncompared,
)
from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.places import Kind
from metaplast.audit.reads import Found, Reads
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source


class NoWeightTransport(AbstractConstraint):
    """The weight of a synapse stays at the cell at which the synapse ends.

    Proven for every moment: nobody reads what a synapse holds but itself, the cell at which it
    ends, and other synapses that end there (of which `synaptic_locality` speaks). That includes
    feedback weights that are copied from forward ones at any moment of a life, and a gradient
    that is computed inside a cell. A cell may tell others what its weights made of its input;
    but it has one axon, and if it sends to each listener, cell or synapse, a value of its own, made
    of some of its weights, then that is transport, too.

    Tested at birth: feedback is not correlated with the transposed weights of the way forward
    that it runs against, nor the same up to a factor of each cell. Both are judged by what
    synapses deliver (`delivered`), not by what a field is called. The angle between the two is
    reported, at birth and at the end of a life; below 90 degrees they have aligned.

    What it can miss: weights that are packed into the digits of one value which all listeners
    hear, and of which each takes its part; values for each synapse of which all others read a
    little, too; a delivery over more than one moment, or over messages that no field of a cell
    holds; and constants in the code that are the same both ways.
    """

    name: ClassVar[str] = "no_weight_transport"
    claim: ClassVar[str] = (
        "no cell or synapse reads the weight of a synapse that ends at another cell, and feedback "
        "weights are born independent of forward weights"
    )
    source: ClassVar[Source] = Source(
        "Grossberg", 1987,
        "Competitive learning: from interactive activation to adaptive resonance",
        "10.1111/j.1551-6708.1987.tb00862.x",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF, Grade.TEST)

    def check(self, evidence):
        reads = evidence.reads
        found = reads.beyond(~self._elsewhere(reads))
        if found:
            value = f"{len(found)} influences"
            return violated(Grade.PROOF, reads.witness(found[0]), value)
        addressed = self._addressed(reads)
        if addressed is not None:
            return violated(Grade.PROOF, reads.witness(addressed), "a message to each listener")
        if not reads.feedback:
            return not_applicable(nothing_back(reads), Grade.PROOF)
        born = list(pairs(reads, evidence.weights(evidence.births)))
        for pair in born:
            seen = dependence(pair.back, pair.forth)
            if seen.probability < FALSE_ALARM / len(born):
                witness = (
                    f"weights of {pair.bundle.name} are correlated with the transposed weights of "
                    f"the way from {' to '.join(pair.ends)} at birth, "
                    f"r = {seen.correlation:.2f}"
                )
                return violated(Grade.TEST, witness, f"r = {seen.correlation:.2f} at birth")
        delivered = delivered_pairs(evidence)
        if not born and not delivered:
            return not_applicable(f"nothing to compare {reads.feedback[0].name} with", Grade.PROOF)
        several = 2 * (len(born) + len(delivered))
        for pair, how, test in [
            *((pair, "", dependence_up_to_factors) for pair in born),
            *((d.born, d.how, dependence) for d in delivered),
            *((d.born, d.how, dependence_up_to_factors) for d in delivered),
        ]:
            seen = test(pair.back, pair.forth)
            if seen.probability < FALSE_ALARM / several:
                said = f"what {pair.bundle.name} delivers ({how})" if how else (
                    f"weights of {pair.bundle.name}"
                )  # fmt: skip
                up_to = "" if test is dependence else ", up to factors of their cells"
                witness = (
                    f"{said} goes with the transposed weights of the way from "
                    f"{' to '.join(pair.ends)} at birth{up_to}, r = {seen.correlation:.2f}"
                )
                return violated(Grade.TEST, witness, f"r = {seen.correlation:.2f} at birth")
        alone = uncompared(reads, [*born, *delivered])
        without = f"; nothing to compare {', '.join(alone)} with" if alone else ""
        return upheld(Grade.TEST, self._alignment(evidence, born, delivered) + without)

    def _alignment(self, evidence, born: list[Pair], delivered: list[DeliveredPair]) -> str:
        """Angles between feedback and transposed forward weights, over pairs and lives. Where
        fields do not say what is delivered, the smallest angle of what is."""
        grown = {n: w[:, -1] for n, w in evidence.weights(evidence.lives).items()}
        ended = [*pairs(evidence.reads, grown)]
        for bundle in {d.bundle.name: d.bundle for d in delivered}.values():
            mine = [d for d in delivered if d.bundle is bundle and d.main]
            if not mine or evidence.deliveries.plainly(bundle):
                continue
            last = [
                Pair(bundle, d.lived.back[:, -1], d.lived.forth[:, -1], d.lived.ends) for d in mine
            ]
            known = [n for n, p in enumerate(last) if np.isfinite(angle(p.back, p.forth))]
            if known:
                least = min(known, key=lambda n: angle(last[n].back, last[n].forth))
                born = [*(p for p in born if p.bundle is not bundle), mine[least].born]
                ended = [*(p for p in ended if p.bundle is not bundle), last[least]]
        said = []
        for when, several in (("at birth", born), ("at the end", ended)):
            degrees = [angle(p.back, p.forth) for p in several]
            known = [d for d in degrees if np.isfinite(d)]
            if known:
                said.append(f"{np.mean(known):.0f}° {when}")
        return "alignment " + ", ".join(said) if said else "no alignment to measure"

    def _elsewhere(self, reads: Reads) -> np.ndarray:
        """Bool `[made, places]`: the read place belongs to a synapse, and that ends elsewhere."""
        population, cell = self._homes(reads)
        rows = reads.rows
        at_home = (population[rows, None] == population) & (cell[rows, None] == cell)
        return ~at_home & (reads.places.kind == Kind.SYNAPSE)

    def _homes(self, reads: Reads) -> tuple[np.ndarray, np.ndarray]:
        """The cell at which a place is, as number of its population and of itself; -1: none."""
        p = reads.places
        groups = [g.name for g in p.anatomy.groups]
        ends = np.array([groups.index(b.post) for b in p.anatomy.bundles] or [-1])
        population = np.where(p.kind == Kind.CELL, p.owner, -1)
        synapses = p.kind == Kind.SYNAPSE
        population[synapses] = ends[p.owner[synapses]]
        return population, np.where(population >= 0, p.post, -1)

    def _addressed(self, reads: Reads) -> Found | None:
        """A listener that is told a value of its own, made of some of the weights of the cell
        that sends it, while other listeners of the same population are told another one. Synapses
        listen for the cell at which they end."""
        p, matrix, rows = reads.places, reads.matrix, reads.rows
        population, cell = (at[rows] for at in self._homes(reads))
        listening = [
            np.flatnonzero((p.kind[rows] == kind) & (p.owner[rows] == owner))
            for kind in (Kind.CELL, Kind.SYNAPSE)
            for owner in np.unique(p.owner[rows[p.kind[rows] == kind]])
        ]
        inputs = p.leaves[: len(p.made)]  # the state before the moment, in the same order
        for now, before in zip(p.made, inputs, strict=True):
            cells, *inner = now.shape or (0,)
            width = int(np.prod(inner, dtype=int))
            if now.kind is not Kind.CELL or width < 2:
                continue
            sender = p.owner[now.first]
            heard = (matrix[:, now.numbers] | matrix[:, before.numbers]).reshape(-1, cells, width)
            for mine in listening:
                if population[mine[0]] == sender or not heard[mine].any():
                    continue
                told = np.zeros((cell[mine].max() + 1, cells, width), bool)
                np.logical_or.at(told, cell[mine], heard[mine])
                for number in range(cells):
                    each = told[told[:, number].any(-1), number]
                    own = np.flatnonzero(each.any(0) & ~each.all(0))
                    if not own.size:
                        continue
                    for element in self._selective(reads, now.first + number * width, width):
                        if element in own:
                            place = number * width + element
                            return self._reading(reads, mine, (now, before), place)
        return None

    def _selective(self, reads: Reads, start: int, width: int) -> list[int]:
        """Which of some values of a cell are made, by that cell or by one whose values it hands
        on, of the weights of some of its synapses of a bundle and not of all of them, on a way
        that they do not all share."""
        p, rows = reads.places, reads.rows
        population, cell = self._homes(reads)
        several = np.zeros(p.count, bool)
        for leaf in p.leaves:
            if leaf.kind is Kind.CELL and int(np.prod(leaf.shape[1:], dtype=int)) > 1:
                several[leaf.numbers] = True

        def reached(element: int, through: np.ndarray) -> np.ndarray:
            found, front = np.zeros(p.count, bool), np.array([start + element - reads.first])
            while front.size:
                at = rows[front, None]
                home = (population[at] == population) & (cell[at] == cell)
                new = (reads.matrix[front] & (home | several)).any(0) & ~found
                found |= new
                front = np.flatnonzero((new & through)[reads.first :])
            return found

        private = ~np.logical_and.reduce([reached(e, p.now) for e in range(width)])
        selective = []
        for element in range(width):
            synapses = reached(element, private) & (p.kind == Kind.SYNAPSE)
            for number, bundle in enumerate(p.anatomy.bundles):
                mine = synapses & (p.owner == number)
                read = np.unique(np.stack([p.post[mine], p.pre[mine]]), axis=1)[0]
                some = np.bincount(read, minlength=len(bundle.mask))
                if ((some > 0) & (some < bundle.mask.sum(1))).any():
                    selective.append(element)
                    break
        return selective

    def _reading(self, reads: Reads, mine: np.ndarray, leaves, element: int) -> Found:
        for leaf in leaves:
            readers = mine[reads.matrix[mine, leaf.first + element]]
            if readers.size:
                return Found(int(reads.rows[readers[0]]), leaf.first + element)
        raise AssertionError("the element was heard")
