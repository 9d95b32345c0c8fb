"""The weight mirror: noise that travels forward teaches the way back."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.positive import Positive, positive, positive_as
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class Mirror(AbstractSeparable):
    r"""A feedback synapse correlates its cell's own noise with what the cell above made of it.

    $\Delta b_{ij} = \mu\,(\xi_i\, v_j / \sigma^2 - b_{ij})$, with $\xi_i$ the noise of the cell
    below (`Noisy`: what it says less what it settled at), of variance $\sigma^2$, and $v_j$ the
    drive of the cell above. As $E[\xi_i v_j] = \sigma^2 w_{ji}$, on average $B$ becomes $W^\top$;
    it strays from it by about $|v| \sqrt{\mu / 2} / \sigma$ a synapse.

    Where we deviate from Akrout et al.: there, noise is sent in a mode of its own, in which nothing
    else is said; here cells are noisy all the time, so there is one phase, and what else drives the
    cell above is noise to the mirror.

    Args:
        rate: $\mu$, share of the weight that is replaced at a moment.
        variance: $\sigma^2$ of the noise.

    References: Akrout et al. (2019) arXiv:1904.05391.
    """

    source: ClassVar[Source] = Source(
        "Akrout, Wilson, Humphreys, Lillicrap & Tweed", 2019,
        "Deep learning without weight transport", "10.48550/arXiv.1904.05391",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.002, converter=positive)
    variance: Positive = eqx.field(default=0.04, converter=positive_as("variance"))

    def post(self, cell, modulator):
        noise = cell.activity - cell.settled
        return (self.rate.value / self.variance.value * noise)[None]

    def pre(self, cell):
        return cell.drive[None]

    def leak(self, cell):
        return self.rate.value
