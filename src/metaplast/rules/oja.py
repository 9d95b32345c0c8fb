"""Oja's rule: Hebbian growth with the decay that keeps the weight vector at unit length."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.positive import Positive, positive
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class Oja(AbstractSeparable):
    r"""Hebbian growth with the decay that keeps a weight vector at unit length.

    $\Delta w_{ij} = \eta\, y_i (x_j - y_i w_{ij})$: one linear cell finds the first
    eigenvector of its input's covariance.

    Where we deviate: nowhere in the rule; the rate stays as it is, so weights keep moving about the
    eigenvector by as much as the rate and the noise have it.

    References: Oja (1982) doi:10.1007/BF00275687.
    """

    source: ClassVar[Source] = Source(
        "Oja", 1982, "A simplified neuron model as a principal component analyzer",
        "10.1007/BF00275687",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)

    def post(self, cell, modulator):
        return (self.rate.value * cell.activity)[None]

    def pre(self, cell):
        return cell.activity[None]

    def leak(self, cell):
        return self.rate.value * cell.activity**2
