"""Sanger's generalized Hebbian algorithm: principal components, one after the other."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from metaplast.positive import Positive, positive
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class Sanger(AbstractSeparable):
    r"""Hebbian learning from what the cells before leave unexplained.

    $\Delta w_{ij} = \eta\, y_i (s_{ij} - y_i w_{ij})$, with $s_{ij} = x_j - \sum_{k<i} y_k w_{kj}$
    what the pre-synaptic cell settled at. The first $k$ linear cells find the first $k$
    eigenvectors of their input's covariance, in order.

    As written, a synapse would need weights of other cells: not local
    (`examples/audit_sanger_1989.py`). In `circuits.hierarchical` every cell hears the stimulus over
    relay cells of its own (`neurons.Remainder`), which settle at what arrives over the
    projections of the cells before: over their transposed weights this *is* Sanger's
    algorithm (and weight transport); over synapses of their own, which `Decorrelation` at the same
    rate teaches, those synapses come to equal the forward ones, negated, and all is local.

    At cells that settle at what they do, this is `Oja`.

    Where we deviate: nowhere over transposed weights; over synapses of their own, what is left
    unexplained is only as good as what those synapses have learned so far.

    Args:
        rate: $\eta$.

    References: Sanger (1989) doi:10.1016/0893-6080(89)90044-0; Kolen & Pollack (1994)
    doi:10.1109/ICNN.1994.374486 (why the two sets of synapses meet).
    """

    source: ClassVar[Source] = Source(
        "Sanger", 1989,
        "Optimal unsupervised learning in a single-layer linear feedforward neural network",
        "10.1016/0893-6080(89)90044-0",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)

    def post(self, cell, modulator):
        return (self.rate.value * cell.activity)[None]

    def pre(self, cell):
        return cell.settled[None]

    def leak(self, cell):
        return self.rate.value * cell.activity**2
