"""Spike-timing-dependent plasticity of pairs of spikes."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.positive import Positive, positive, positive_as
from metaplast.rules.abstract import AbstractSeparable
from metaplast.signals import SPIKE, TRACE, from_post, from_pre, offered
from metaplast.source import Source


class PairSTDP(AbstractSeparable):
    r"""Pre before post strengthens, post before pre weakens, the less the longer in between.

    $\Delta w_{ij} = \eta\,(y_i\, r_j - \kappa\, o_i\, x_j)$, with spikes $y$ and $x$, and traces
    $r$ and $o$ of the pre- and post-synaptic cell's spikes (`neurons.Traced`). So two spikes
    $\Delta t$ apart change the weight by $\eta\, e^{-\Delta t / \tau_+}$ where the pre-synaptic one
    is first or both come in one moment, and by $-\eta \kappa\, e^{-\Delta t / \tau_-}$ where it is
    last; all pairs count.

    The windows belong to the cells, which keep the traces once for all of their synapses. Cells
    without traces are cells without memory: then $\Delta w_{ij} = \eta (1 - \kappa)\, y_i x_j$.

    Where we deviate: no bounds, hard or soft, on the weights.

    Args:
        rate: $\eta$, weight for one pair.
        ratio: $\kappa$, of depression to potentiation.

    References: Bi & Poo (1998) doi:10.1523/JNEUROSCI.18-24-10464.1998; Song, Miller & Abbott
    (2000) doi:10.1038/78829.
    """

    source: ClassVar[Source] = Source(
        "Song, Miller & Abbott", 2000,
        "Competitive Hebbian learning through spike-timing-dependent synaptic plasticity",
        "10.1038/78829",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.005, converter=positive)
    ratio: Positive = eqx.field(default=1.05, converter=positive_as("ratio"))

    def post(self, cell, modulator):
        up = self.rate.value * from_post(cell, SPIKE)
        down = self.rate.value * -(self.ratio.value * from_post(cell, TRACE))
        return offered(up, down)

    def pre(self, cell):
        return offered(from_pre(cell, SPIKE), from_pre(cell, TRACE))
