"""FORCE: least squares at every moment, so that the error is small from the first one on."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.positive import Positive, positive
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class FORCE(AbstractSeparable):
    r"""The readout of a recurrent reservoir, corrected by recursive least squares.

    $\Delta w_{ij} = \eta\, e_i k_j$, with $e$ the error of the output cell and $k$ the gain that
    the pre-synaptic cell offers.

    In `circuits.reservoir`, `neurons.Association` cells relay the rates $r$ of the reservoir,
    settle at $P r$ over lateral synapses that `Decorrelation` at $\eta = 1$ teaches, and offer $k =
    P r / (1 + r^\top P r)$. Then, at $\eta = 1$, the weights are at every moment those of ridge
    regression on all that was, though what the reservoir does depends on what the output cells
    said (`neurons.Echo`). With cells that offer their activity, this is the delta rule.

    Where we deviate from the source: an update at every moment; the reservoir is fully connected.

    Args:
        rate: $\eta$; anything but 1 is no least squares.

    References: Sussillo & Abbott (2009) doi:10.1016/j.neuron.2009.07.018; Plackett (1950)
    doi:10.1093/biomet/37.1-2.149.
    """

    source: ClassVar[Source] = Source(
        "Sussillo & Abbott", 2009,
        "Generating coherent patterns of activity from chaotic neural networks",
        "10.1016/j.neuron.2009.07.018",
    )  # fmt: skip
    rate: Positive = eqx.field(default=1.0, converter=positive)

    def post(self, cell, modulator):
        return self.rate.value * cell.post[:1]

    def pre(self, cell):
        return cell.pre[:1]
