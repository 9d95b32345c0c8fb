"""Remainder cells: they relay a stimulus, and know what of it is not explained yet."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.source import Source


class Remainder(AbstractNeuron):
    r"""A relay cell that fires for what drives it and settles at what is left of it.

    $y = v$ with $v$ the basal drive; settled: the lateral input, which in `circuits.hierarchical`
    is what was left before, less what the last component explains of it. A signal for
    plasticity that does not touch what the cell sends forward, as `rules.Sanger` wants it. Both are
    in units of the stimulus.

    References: Sanger (1989) doi:10.1016/0893-6080(89)90044-0.
    """

    source: ClassVar[Source] = Source(
        "Sanger", 1989,
        "Optimal unsupervised learning in a single-layer linear feedforward neural network",
        "10.1016/0893-6080(89)90044-0",
    )  # fmt: skip

    def fire(self, state, drive, key):
        return state, eqx.tree_at(lambda c: c.activity, silent(drive), drive)

    def settle(self, state, cell, lateral):
        return state, eqx.tree_at(lambda c: c.settled, cell, lateral)

    def reply(self, state, cell, apical, pool, modulator):
        return state, eqx.tree_at(lambda c: c.pre, cell, cell.settled[None])
