"""No cell sends less than nothing."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source


class UnsignedMessages(AbstractConstraint):
    """No message is negative on the sampled lives; signed errors need two populations.

    Messages are all fields of cells that other cells read. What input cells are shown by the
    world, and make of it by themselves, does not count: it may be negative, and a learner cannot
    help it.

    What it can miss: a message that is negative only in other lives.
    """

    name: ClassVar[str] = "unsigned_messages"
    claim: ClassVar[str] = "no message is negative"
    source: ClassVar[Source] = Source(
        "Bengio, Lee, Bornschein, Mesnard & Lin", 2015,
        "Towards biologically plausible deep learning",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.TEST,)

    def check(self, evidence):
        made, lives = evidence.reads.places.made, evidence.lives
        sent = [p for p in evidence.messages() if not evidence.shown(p)]
        if not sent:
            return not_applicable("no cell but those of the input sends anything", Grade.TEST)
        negative = {p: float(np.mean(evidence.leaf(p, lives) < 0)) for p in sent}
        found = [p for p in sent if negative[p] > 0]
        if not found:
            return upheld(Grade.TEST, f"{len(sent)} kinds of messages")
        leaf, values = made[found[0]], evidence.leaf(found[0], lives)
        return violated(
            Grade.TEST,
            f"{leaf.field} of {leaf.owner} is {values[values < 0][0]:.3g}",
            f"{len(found)} of {len(sent)} kinds of messages, the first one negative in "
            f"{100 * negative[found[0]]:.0f} % of cases",
        )
