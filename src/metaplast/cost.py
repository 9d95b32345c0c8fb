"""What one moment of one life costs at least, counted from anatomy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from metaplast.circuits import Circuit
from metaplast.circuits.anatomy import BORROWED

FLOAT = 4
"""Bytes of a number: float32."""

PER_CELL = 4
"""Operations of a rate cell: it fires, finds its slope, replies, and sets a rate to its signal."""


class Counts(NamedTuple):
    """Work of one moment of one life."""

    flops: int
    """Floating-point operations; a multiply-add is two, a transcendental function one."""
    bytes: int
    """To and from the memory that holds the weights."""

    @property
    def intensity(self) -> float:
        """Operations per byte: the roofline's horizontal axis."""
        return self.flops / self.bytes

    def seconds(self, flop_rate: float, byte_rate: float) -> float:
        """Least time on a machine of so many operations and bytes per second, which at best
        computes and moves at the same time."""
        return max(self.flops / flop_rate, self.bytes / byte_rate)


def counts(circuit: Circuit, channels: Mapping[str, int]) -> Counts:
    r"""Count the least that one moment of one life must compute and move.

    With $n$ synapses of a projection, $K$ outer products that change them, and a decay:

    | | flops | bytes |
    |---|---|---|
    | deliver, $y = W x$ | $2n$ | $4n$, read |
    | change, $W \leftarrow \kappa W + \sum_k a_k b_k^\top$ | $(1 + 2K)n$ | $4n$, written |

    A program can deliver and change in one pass over the weights, if it applies the change of one
    moment when it delivers the next; so a weight is counted as read once and written once.
    Borrowed weights (`transpose`, `signs`) are read once more, because they deliver backward after
    they have delivered forward. Cells cost `PER_CELL` operations, relays one each, and what lasts
    in a cell costs no bytes beside the stimulus.

    This bounds every program that writes the weights at every moment and keeps them in a memory
    of the given bandwidth. It does not bound programs whose weights stay in a cache (compare these
    with the cache's bandwidth), nor programs that keep changes as outer products for several
    moments before they write them.

    Not counted: the memory of single synapses, and what cells richer than `Rate` compute.

    Args:
        circuit: anatomy.
        channels: outer products per change, by kind of projection: the length of `Factored`'s
            coefficients where both cells offer as many signals. Kinds that are missing do not
            change.

    Raises:
        ValueError: where `channels` names a kind that the circuit does not have.

    References: Williams, Waterman & Patterson (2009) doi:10.1145/1498765.1498785 (roofline).
    """
    kinds = {q.kind for q in circuit.weighted}
    if unknown := set(channels) - kinds:
        raise ValueError(
            f"channels names {sorted(unknown)}, which are no kinds of weighted projections of this "
            f"circuit; it has {sorted(kinds)}"
        )
    flops = PER_CELL * sum(p.size for p in circuit.populations)
    moved = circuit.input.size
    for q in circuit.projections:
        if q.wiring == "one_to_one":
            flops += circuit.size(q.pre)
            continue
        synapses, weights = math.prod(circuit.synapses(q)), math.prod(circuit.shape(q))
        flops += 2 * synapses
        moved += weights
        if q.wiring not in BORROWED and q.kind in channels:
            flops += (1 + 2 * channels[q.kind]) * synapses
            moved += weights
    return Counts(flops, FLOAT * moved)


def weight_bytes(circuit: Circuit) -> int:
    """Bytes of all weights of one life: what must fit in a cache, to be found there."""
    return FLOAT * sum(math.prod(circuit.shape(q)) for q in circuit.weighted)
