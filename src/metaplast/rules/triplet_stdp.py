"""Spike-timing-dependent plasticity of triplets of spikes."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from metaplast.positive import Positive, positive, positive_as
from metaplast.rules.abstract import AbstractSeparable
from metaplast.signals import SPIKE, TRACE, TRIPLET, TRIPLET_DOWN, from_post, from_pre, offered
from metaplast.source import Source


class TripletSTDP(AbstractSeparable):
    r"""Pairs of spikes count more where a third came before: so plasticity depends on frequency.

    $\Delta w_{ij} = \eta\,(y_i\, r_{1j} (A_2^+ + A_3^+ o_{2i}) - x_j\, o_{1i} (A_2^- + A_3^-
    r_{2j}))$, with spikes $y$ and $x$, and fast and slow traces $r_1$, $r_2$ of the pre- and $o_1$,
    $o_2$ of the post-synaptic cell (`neurons.Traced`), the slow ones as they were before this
    moment's spike. All spikes count.

    The defaults are the paper's minimal model of visual cortex (all-to-all): pairs of spikes
    depress at low frequencies, and triplets potentiate at high ones. The time constants are the
    cells'.

    Where we deviate: spikes fall on the grid of moments and not in continuous time; $\eta$ is ours,
    1 by default.

    Args:
        rate: $\eta$.
        pair_plus, triplet_plus: $A_2^+$, $A_3^+$.
        pair_minus, triplet_minus: $A_2^-$, $A_3^-$.

    References: Pfister & Gerstner (2006) doi:10.1523/JNEUROSCI.1425-06.2006, table 4.
    """

    source: ClassVar[Source] = Source(
        "Pfister & Gerstner", 2006,
        "Triplets of spikes in a model of spike timing-dependent plasticity",
        "10.1523/JNEUROSCI.1425-06.2006",
    )  # fmt: skip
    rate: Positive = eqx.field(default=1.0, converter=positive)
    pair_plus: Positive = eqx.field(default=0.0, converter=positive_as("pair_plus"))
    triplet_plus: Positive = eqx.field(default=6.5e-3, converter=positive_as("triplet_plus"))
    pair_minus: Positive = eqx.field(default=7.1e-3, converter=positive_as("pair_minus"))
    triplet_minus: Positive = eqx.field(default=0.0, converter=positive_as("triplet_minus"))

    def post(self, cell, modulator):
        up = self.pair_plus.value * from_post(cell, SPIKE)
        up = up + self.triplet_plus.value * from_post(cell, TRIPLET)
        down = -from_post(cell, TRACE)
        return offered(self.rate.value * up, self.rate.value * down)

    def pre(self, cell):
        down = self.pair_minus.value * from_pre(cell, TRACE)
        down = down + self.triplet_minus.value * from_pre(cell, TRIPLET_DOWN)
        # Not `offered`: a stack is put into memory, so the sum is made once for each cell; else XLA
        # makes it once for each synapse.
        return jnp.stack([from_pre(cell, SPIKE), down])
