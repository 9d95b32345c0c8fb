"""Weights that are all excitatory on paper, and of both signs at the cell.

The spiking learner stores every excitatory weight with an offset, and delivers it without. Nothing
stops what is delivered from shrinking beyond zero; what is stored stays above it.

With `bounded=spiking.bounded` it is the honest twin: the same code, that keeps the signs of what it
delivers.
"""

from __future__ import annotations

from collections.abc import Callable

from metaplast.audit.cheats import base, spiking
from metaplast.audit.subject import SMALL

BREAKS = ("dales_law",)
KEEPER = "spiking"
OFFSET = 5.0


def stored(projections, offset):
    """The projections with another offset; inhibitory synapses and wires have none."""
    return {
        name: {"weight": fields["weight"] + offset}
        if fields and not name.startswith("excess") else fields
        for name, fields in projections.items()
    }  # fmt: skip


def born(key, scale=SMALL):
    state = spiking.born(key, scale)
    return {**state, "projections": stored(state["projections"], OFFSET)}


def subject(bounded: Callable = lambda weight: weight):
    def step(state, experience, key):
        delivered = {**state, "projections": stored(state["projections"], -OFFSET)}
        after = spiking.step(delivered, experience, key, bounded=bounded)
        return {**after, "projections": stored(after["projections"], OFFSET)}

    return base.subject_of("dale_offset", step, born)
