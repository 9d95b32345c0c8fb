"""Hebbian learning for cells that compete softly: unsupervised clustering."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.positive import Positive, positive
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class SoftHebb(AbstractSeparable):
    r"""A winner's weights move to its stimulus and stay on the unit sphere.

    $\Delta w_{ij} = \eta\, y_i (x_j - v_i w_{ij})$, with $y_i$ the activity of the cell (the share
    of a soft competition, `neurons.Competing`) and $v_i$ its drive.

    At a fixed point of $x$ of unit length, weight vectors have unit length and are the
    normalized means of what their cell won: mixture learning (Moraitis et al.).

    Where we deviate from Journé et al.: losers are not anti-Hebbian, for their interneuron tells a
    cell the mean of the population, not who won; no rate per cell that shrinks with its norm.

    References: Moraitis, Toichkin, Journé, Chua & Guo (2022) doi:10.1088/2634-4386/aca710;
    Journé, Garcia Rodriguez, Guo & Moraitis (2023) ICLR, arXiv:2209.11883.
    """

    source: ClassVar[Source] = Source(
        "Moraitis, Toichkin, Journé, Chua & Guo", 2022,
        "SoftHebb: Bayesian inference in unsupervised Hebbian soft winner-take-all networks",
        "10.1088/2634-4386/aca710",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)

    def post(self, cell, modulator):
        return (self.rate.value * cell.activity)[None]

    def pre(self, cell):
        return cell.activity[None]

    def leak(self, cell):
        return self.rate.value * cell.activity * cell.drive
