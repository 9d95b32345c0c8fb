"""Hebb's rule: what fires together wires together."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.positive import Positive, positive
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class Hebb(AbstractSeparable):
    r"""Synapses grow where both cells are active together, without a limit.

    $\Delta w_{ij} = \eta\, y_i x_j$. With a linear cell and the stimuli's covariance $C$, weights
    grow as $w \leftarrow (1 + \eta C)\, w$ on average: exponentially, in the direction of the first
    eigenvector. `Oja` is the same with a limit.

    Where we deviate: Hebb gave words and no equation; the product is their usual reading.

    References: Hebb (1949) The organization of behavior.
    """

    source: ClassVar[Source] = Source("Hebb", 1949, "The organization of behavior")
    rate: Positive = eqx.field(default=0.01, converter=positive)

    def post(self, cell, modulator):
        return (self.rate.value * cell.activity)[None]

    def pre(self, cell):
        return cell.activity[None]
