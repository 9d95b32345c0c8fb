"""Anti-Hebbian lateral plasticity: least squares as a local rule."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from metaplast.positive import Positive, positive_as
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class Decorrelation(AbstractSeparable):
    r"""Anti-Hebbian: lateral synapses between cells that are active together weaken.

    $\Delta P_{ij} = -\eta\, u_i u_j$, with $u$ the settled activity of both cells.

    At $\eta = 1$, and with `Association` cells that divide by what their interneuron
    sums, the lateral weights are the inverse correlation matrix of recursive least
    squares. $\eta$ is a gain of at most 1 (larger ones count as 1), not a small step.

    References: Plackett (1950) doi:10.1093/biomet/37.1-2.149 for the recursion;
    Földiák (1990) doi:10.1007/BF02331346 for anti-Hebbian lateral synapses.
    """

    source: ClassVar[Source] = Source(
        "Foldiak", 1990, "Forming sparse representations by local anti-Hebbian learning",
        "10.1007/BF02331346",
    )  # fmt: skip
    eta: Positive = eqx.field(default=1.0, converter=positive_as("eta"))

    def post(self, cell, modulator):
        return (-jnp.minimum(self.eta.value, 1.0) * cell.settled)[None]

    def pre(self, cell):
        return cell.settled[None]
