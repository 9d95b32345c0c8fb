"""Anti-Hebbian plasticity: what fires together inhibits each other."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from metaplast.positive import Positive, positive, positive_as
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class AntiHebb(AbstractSeparable):
    r"""Synapses weaken between cells that are active together more than they should be.

    $\Delta w_{ij} = -\eta\,(y_i y_j - p^2)$. At lateral synapses of linear cells and $p = 0$ it
    comes to rest where the cells are uncorrelated; for two cells of unit variance that are driven
    with the correlation $c$, at $w = (\sqrt{1 - c^2} - 1) / c$. With cells that hold their mean
    activity at $p$ (`Settling`), at rest they are independent in pairs.

    Where we deviate from Földiák: weights are kept from exciting by the circuit (`decorrelating`),
    not by the rule; activities are those of this moment, not rounded to 0 and 1.

    Args:
        rate: $\eta$.
        target: $p$, the mean activity that both cells hold.

    References: Földiák (1990) doi:10.1007/BF02331346; Barlow & Földiák (1989) Adaptation and
    decorrelation in the cortex.
    """

    source: ClassVar[Source] = Source(
        "Földiák", 1990, "Forming sparse representations by local anti-Hebbian learning",
        "10.1007/BF02331346",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)
    target: Positive = eqx.field(default=0.0, converter=positive_as("target"))

    def post(self, cell, modulator):
        usual = self.target.value**2 * jnp.ones_like(cell.activity)
        return self.rate.value * jnp.stack([-cell.activity, usual])

    def pre(self, cell):
        return jnp.stack([cell.activity, jnp.ones_like(cell.activity)])
