"""How much of a life a backward pass keeps, chosen from the horizon and from memory.

A life is cut into blocks, and a block into segments. A state is kept between two blocks and, of
the block that is being differentiated, between two segments; and what the derivative of each of
its moments needs. All blocks but the last one are lived again when their turn comes, which costs
time, so a life is cut into as few as its memory permits.

Reference: Griewank & Walther (2000) doi:10.1145/347837.347846 (checkpoints in levels).
"""

from __future__ import annotations

import math
from typing import NamedTuple

MEGABYTE = 1e6
SHORT = 500
"""Most moments of a life that is lived once wherever it fits into `FLOOR`."""
FLOOR = 32 * MEGABYTE
"""Bytes that such a life may always keep. A longer one may keep less: what two blocks of `SHORT`
moments take, so that small networks, whose long lives would fit, too, do not grow with them."""
ROOT = 1.75
"""Bytes that a longer life may keep where blocks are kept whole: so many times the states of a life
whose segments have the square root of its moments. What is allocated for short lives is less than
is counted here and for long ones nearly as much, so 2 would let memory grow a little faster."""


class Residuals(NamedTuple):
    """Bytes that one life leaves behind."""

    state: int
    """In a state between two moments."""
    moment: int
    """For the derivative of one moment."""
    whole: bool
    """Whether moments are kept for all of a block, as where weights are rebuilt from vectors; or
    else only for one segment of it, which is lived again."""
    again: int = 0
    """For one moment, of what is computed again for a segment when its turn comes."""

    def bytes(self, moments: int, kept: Kept) -> int:
        """What a life of so many moments takes if that is kept of it."""
        blocks = -(-moments // kept.block)
        segments = -(-min(kept.block, moments) // kept.segment)
        stored = kept.block if self.whole else kept.segment
        states = segments + (blocks if blocks > 1 else 0)
        again = min(kept.segment, kept.block) * self.again
        return states * self.state + stored * self.moment + again


class Kept(NamedTuple):
    """Moments between two states that are kept: within the block, and from block to block."""

    segment: int
    block: int


def kept(
    moments: int, residuals: Residuals, budget: float | None = None, segment: int | None = None
) -> Kept:
    """The fewest blocks with which a life stays within its budget; else those that take least.

    Args:
        moments: the horizon.
        residuals: of the network that lives.
        budget: bytes. By default what lets memory grow with the square root of the horizon: one
            block does so where moments are kept for a segment only; where they are kept for a
            block, `ROOT` times what the states take, or where that is more `FLOOR`, and of more
            than `SHORT` moments at most what twice as many take in two blocks.
        segment: most moments in a segment, by default about the square root of those in the block.

    What divides the horizon is preferred to what takes a little less: a shorter part at the end is
    a program of its own, which takes as long to compile as all that comes before it.
    """

    def of_block(block: int) -> Kept:
        return Kept(_up_to(min(segment, block), block) if segment else _near_root(block), block)

    def cut(blocks: int) -> Kept:
        return of_block(-(-moments // blocks))

    if budget is None and residuals.whole:
        floor = FLOOR
        if moments > SHORT:
            floor = min(floor, residuals.bytes(2 * SHORT, of_block(SHORT)))
        budget = max(floor, ROOT * math.sqrt(moments) * residuals.state)
    elif budget is None:
        budget = math.inf
    sizes = {}
    for blocks in range(1, 2 * math.isqrt(moments) + 1):
        sizes[blocks] = residuals.bytes(moments, cut(blocks))
        if sizes[blocks] <= budget:
            even = [b for b in range(blocks, blocks + blocks // 2 + 1) if moments % b == 0]
            fits = [b for b in even if residuals.bytes(moments, cut(b)) <= budget]
            return cut(fits[0] if fits else blocks)
    return cut(min(sizes, key=lambda blocks: sizes[blocks]))


def _near_root(moments: int) -> int:
    """The number that divides some moments and is nearest to their square root, if one is within a
    factor of 2; else the square root, rounded."""
    root = math.sqrt(moments)
    even = _dividing(moments, range(math.ceil(root / 2), int(2 * root) + 1))
    return min(even, key=lambda n: max(n / root, root / n), default=max(1, round(root)))


def _up_to(most: int, moments: int) -> int:
    """The largest number that divides some moments, if one is within a factor of 2 below the most
    there may be; else the most."""
    return max(_dividing(moments, range(-(-most // 2), most + 1)), default=most)


def _dividing(moments: int, numbers: range) -> list[int]:
    return [n for n in numbers if moments % n == 0]
