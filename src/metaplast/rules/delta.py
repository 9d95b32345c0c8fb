"""The delta rule: error of the one end times activity of the other."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.positive import Positive, positive
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class Delta(AbstractSeparable):
    r"""Error of the post-synaptic cell times activity of the pre-synaptic one.

    $\Delta w_{ij} = \eta\, e_i\, x_j$, with $e_i$ the post-synaptic cell's message.

    With fixed random feedback this is feedback alignment; with symmetric feedback it is
    the negative gradient.

    References: Widrow & Hoff (1960); Lillicrap et al. (2016) doi:10.1038/ncomms13276.
    """

    source: ClassVar[Source] = Source(
        "Lillicrap, Cownden, Tweed & Akerman", 2016,
        "Random synaptic feedback weights support error backpropagation for deep learning",
        "10.1038/ncomms13276",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)

    def post(self, cell, modulator):
        return (self.rate.value * cell.message)[None]

    def pre(self, cell):
        return cell.activity[None]
