"""The generalized Hebbian rule of four numbers."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.positive import Positive, positive
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class ABCD(AbstractSeparable):
    r"""Both activities, their product and a constant, each with a coefficient.

    $\Delta w_{ij} = \eta\,(A\, x_j y_i + B\, x_j + C\, y_i + D)$. Starts as `Hebb`.

    Where we deviate from Najarro & Risi: their search finds five numbers for every synapse of one
    network; a genome of ours knows no sizes, so all synapses of a kind share them, and the rule
    moves between networks. Weights are not normalized.

    Args:
        rate: $\eta$.
        terms: $(A, B, C, D)$.

    References: Najarro & Risi (2020) NeurIPS, arXiv:2007.02686.
    """

    source: ClassVar[Source] = Source(
        "Najarro & Risi", 2020,
        "Meta-learning through Hebbian plasticity in random networks", "10.48550/arXiv.2007.02686",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)
    terms: Float[Array, " 4"] = eqx.field(
        default=(1.0, 0.0, 0.0, 0.0), converter=lambda c: jnp.asarray(c, float)
    )

    def post(self, cell, modulator):
        a, b, c, d = self.rate.value * self.terms
        return jnp.stack([a * cell.activity + b, c * cell.activity + d])

    def pre(self, cell):
        return jnp.stack([cell.activity, jnp.ones_like(cell.activity)])
