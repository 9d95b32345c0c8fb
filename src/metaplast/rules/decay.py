"""Weight decay."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from metaplast.positive import Positive, positive
from metaplast.rules.abstract import AbstractSeparable
from metaplast.source import Source


class Decay(AbstractSeparable):
    r"""Weights shrink by a fixed share of themselves.

    $\Delta w_{ij} = -\eta\, w_{ij}$.

    References: Hinton (1987) doi:10.1007/3-540-17943-7_117.
    """

    source: ClassVar[Source] = Source(
        "Hinton", 1987,
        "Learning translation invariant recognition in a massively parallel network",
        "10.1007/3-540-17943-7_117",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.001, converter=positive)

    def post(self, cell, modulator):
        return jnp.zeros((0,))

    def pre(self, cell):
        return jnp.zeros((0,))

    def leak(self, cell):
        return self.rate.value
