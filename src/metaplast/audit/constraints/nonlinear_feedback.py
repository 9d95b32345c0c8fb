"""Feedback carries what the cells that send it say forward."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.alignment import nothing_back
from metaplast.audit.anatomy import Bundle
from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.delivered import MOST
from metaplast.audit.places import Kind
from metaplast.audit.reads import Found, Reads
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

LEAST = 0.01
"""How much of what drives a cell most something has to drive it, to count as said to it."""
Field = tuple[str, int]
"""A field of a cell, and which of its values."""


class NonlinearFeedback(AbstractConstraint):
    """What goes back is the same signal, of the same cells, as what goes forward.

    A cell has one output. If feedback carries another quantity than the one that drives the next
    population, there would have to be a second network, mostly a linear one, beside the first.
    Cells from which nothing leads forward (the output) send what they answer, or anything else
    that the target has no part in, at this moment or an earlier one; what was learned from it
    does not count as its part.

    That nothing else is fed back is proven. That it drives the next population is tested: a
    program may read something and make nothing of it. In sampled lives, all that is read forward
    is moved as far as it ever moves, and what drives a listener by less than a hundredth of
    what drives it most does not count as said forward.

    What it can miss: an error of earlier moments that a synapse sums up, or an output cell that
    answers with it, and that is said later.
    """

    name: ClassVar[str] = "nonlinear_feedback"
    claim: ClassVar[str] = (
        "feedback is produced by the same cells as the forward signal, and is that signal"
    )
    source: ClassVar[Source] = Source(
        "Bengio, Lee, Bornschein, Mesnard & Lin", 2015,
        "Towards biologically plausible deep learning", "10.48550/arXiv.1502.04156",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.PROOF, Grade.TEST)

    def check(self, evidence):
        reads = evidence.reads
        carried, grade = 0, Grade.PROOF
        for bundle in (*reads.feedback, *(b for b in reads.wired_back if b.relays)):
            back = self._heard(reads, bundle.post, bundle.pre)
            carried += len(back)
            forth = self._forward(reads, bundle.pre)
            fed = {self._field(reads, found.read): found for found in reversed(back)}
            idle = self._idle(evidence, bundle.pre) if fed.keys() & forth else set()
            for field, found in reversed(fed.items()):
                if field not in forth - idle:
                    says = " or ".join(sorted({name for name, _ in forth - idle})[:3]) or "nothing"
                    witness = f"{reads.witness(found)}; what {bundle.pre} says forward is: {says}"
                    if field not in forth:
                        return violated(Grade.PROOF, witness)
                    return violated(Grade.TEST, f"{witness}; {field[0]} is read, and drives nobody")
            if back and self._onward(reads, bundle.pre):
                grade = Grade.TEST
        if not carried:
            return not_applicable(nothing_back(reads), Grade.PROOF)
        return upheld(grade)

    def _heard(self, reads: Reads, post: str, pre: str) -> list[Found]:
        """What cells of one population read of the cells of another one, or their synapses make of
        it for them."""
        p = reads.places
        mine = reads.listeners == [g.name for g in p.anatomy.groups].index(post)
        theirs = p.where(kind=Kind.CELL, owner=pre)
        return reads.beyond(~(mine[:, None] & theirs))

    def _onward(self, reads: Reads, sender: str) -> list[Bundle]:
        """Bundles that lead forward from a population."""
        return [
            b for b in reads.places.anatomy.bundles
            if b.pre == sender and b.post != sender
            and b not in reads.feedback and b not in reads.wired_back
            and (b.way == "driving" or (b.way == "wire" and not self._pools(b)))
        ]  # fmt: skip

    def _idle(self, evidence, sender: str) -> set[Field]:
        """What those ahead of a population read of it, and are not seen to be driven by; nothing,
        where nothing is seen to drive them."""
        reads, program = evidence.reads, evidence.deliveries.moment.program
        made = reads.places.made
        mine = {f"{leaf.field} of {sender}": n for n, leaf in enumerate(made)
                if leaf.kind is Kind.CELL and leaf.owner == sender}  # fmt: skip
        moved: dict[tuple, list[tuple[int, int, np.ndarray]]] = {}
        for bundle in self._onward(reads, sender):
            for d in evidence.deliveries.directly(bundle):
                number, (element, heard) = mine[d.said], d.values
                said = evidence.leaf(number, evidence.lives).astype(float)
                said = said.reshape(-1, made[number].size // made[number].shape[0])[:, element]
                with np.errstate(all="ignore"):
                    effect = np.abs(np.nan_to_num(d.lived)).max((0, 1, 3))
                    effect = np.nan_to_num(effect * np.nanstd(said))
                to = moved.setdefault((bundle.name, d.heard, heard), [])
                to.append((program.outputs[number], element, effect))
        driving = set()
        for several in moved.values():
            most = np.max([effect for *_, effect in several], 0)
            driving |= {(n, element) for n, element, e in several if (e > LEAST * most).any()}
        if not driving:
            return set()
        # Fields that are one value are said together. What never changes is not tried.
        return {
            (made[n].field, element)
            for n in mine.values()
            for element in range(min(made[n].size // made[n].shape[0], MOST))
            if program.outputs[n] != program.inputs[n]
            and (program.outputs[n], element) not in driving
        }

    def _forward(self, reads: Reads, sender: str) -> set[Field]:
        """The fields that a population sends forward."""
        p = reads.places
        onward = self._onward(reads, sender)
        if onward:
            found = [f for b in onward for f in self._heard(reads, b.post, sender)]
            return {self._field(reads, f.read) for f in found}
        rows = np.flatnonzero(p.where(kind=Kind.CELL, owner=sender, now=True)[reads.rows])
        answer = self._answer(reads)
        taught, free = set(), {(reads.subject.output[1], 0)}
        told = self._told(reads, answer) & ~answer
        for row in rows:
            field = self._field(reads, int(reads.rows[row]))
            (taught if told[row] else free).add(field)
        return free - (taught - {(reads.subject.output[1], 0)})

    def _answer(self, reads: Reads) -> np.ndarray:
        """Bool `[made]`: the answer, in whatever fields."""
        p, found = reads.places, np.zeros(len(reads.rows), bool)
        population, name = reads.subject.output
        number = next(
            value for leaf, value in zip(p.made, reads.values, strict=True)
            if leaf.kind is Kind.CELL and (leaf.owner, leaf.field) == (population, name)
        )  # fmt: skip
        for leaf, value in zip(p.made, reads.values, strict=True):
            if value == number:
                found[leaf.first - reads.first :][: leaf.size] = True
        return found

    def _told(self, reads: Reads, answer: np.ndarray) -> np.ndarray:
        """Bool `[made]`: what the target has a part in, at this moment or an earlier one. What
        synapses learned from it does not count, nor what the answer is made of and cells learned
        (a bias), nor what they make of the answer."""
        p, rows = reads.places, reads.rows
        target = p.where(kind=Kind.WORLD, owner="target")
        told = np.asarray(reads.matrix[:, target].any(1))
        asked = reads.upstream(answer)
        asked = asked[: len(rows)] | asked[reads.first :]  # as it was before, or is now
        learned = reads.adding & (asked | (p.kind[rows] == Kind.SYNAPSE))
        return told | reads.downstream(told) | reads.ever(target, past=learned | answer)

    def _pools(self, bundle) -> bool:
        """Whether wires end at one cell, an interneuron, which is no station on the way."""
        return bool(bundle.mask.sum(1).max() > 1)

    def _field(self, reads: Reads, place: int) -> Field:
        """A field of a cell, and which of its elements; the same before and now."""
        leaf = reads.places.leaves[reads.places.leaf[place]]
        width = int(np.prod(leaf.shape[1:], dtype=int))
        return leaf.field, (place - leaf.first) % width
