"""Kolen and Pollack's rule for the way back."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.positive import Positive, positive, positive_as
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class Reciprocal(AbstractSeparable):
    r"""A feedback synapse changes as the forward synapse between the same two cells does.

    $\Delta b_{ij} = \eta\, y_i\, e_j - \lambda\, b_{ij}$, with $y_i$ the activity of the cell
    below, at which the feedback synapse ends, and $e_j$ the message that arrives from above. It is
    the product that the forward synapse makes with the delta rule. Where that one has the
    same $\eta$ and $\lambda$ (`Delta` and `Decay`), $B - W^\top$ shrinks as $(1 - \lambda)^t$,
    whatever is learned; no weight and no change of a weight is transported.

    Args:
        rate: $\eta$.
        decay: $\lambda$.

    References: Kolen & Pollack (1994) doi:10.1109/ICNN.1994.374486; Akrout et al. (2019)
    arXiv:1904.05391.
    """

    source: ClassVar[Source] = Source(
        "Kolen & Pollack", 1994, "Backpropagation without weight transport",
        "10.1109/ICNN.1994.374486",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)
    decay: Positive = eqx.field(default=0.01, converter=positive_as("decay"))

    def post(self, cell, modulator):
        return (self.rate.value * cell.activity)[None]

    def pre(self, cell):
        return cell.message[None]

    def leak(self, cell):
        return self.decay.value
