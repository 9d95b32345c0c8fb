"""The rule of Bienenstock, Cooper and Munro: a threshold that slides with the cell's activity."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from metaplast.positive import Positive, positive, positive_as
from metaplast.rules.abstract import AbstractRule
from metaplast.source import Source


class BCM(AbstractRule):
    r"""Synapses grow where the cell is more active than usual and shrink where it is less.

    $\Delta w_{ij} = \eta\, y_i (y_i - \theta_i)\, x_j$, then
    $\theta_i \leftarrow \theta_i + (y_i^2 - \theta_i) / \tau$.

    Of $n$ independent stimuli of equal frequency a cell of positive rates ends up with one, to
    which it answers with $y = n$, and with silence to the others. Stable where $\theta$ is faster
    than the weights.

    Where we deviate: $\theta$ is a value of the post-synaptic cell; here each of its synapses keeps
    a copy, from what the synapse can sense, so that the rule works at any cell. The quadratic form
    is that of Intrator and Cooper; the 1982 paper has a power of the mean.

    Args:
        rate: $\eta$.
        tau: of the threshold, in moments.
        start: $\theta$ at birth.

    References: Bienenstock, Cooper & Munro (1982) doi:10.1523/JNEUROSCI.02-01-00032.1982;
    Intrator & Cooper (1992) doi:10.1016/S0893-6080(05)80003-6.
    """

    source: ClassVar[Source] = Source(
        "Bienenstock, Cooper & Munro", 1982,
        "Theory for the development of neuron selectivity: orientation specificity and binocular "
        "interaction in visual cortex", "10.1523/JNEUROSCI.02-01-00032.1982",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)
    tau: Positive = eqx.field(default=20.0, converter=positive_as("tau"))
    start: Positive = eqx.field(default=1.0, converter=positive_as("start"))

    def init(self):
        return self.start.value * jnp.ones(())

    def __call__(self, synapse, memory):
        y = synapse.post.activity
        change = self.rate.value * y * (y - memory) * synapse.pre.activity
        return change, memory + (y**2 - memory) / self.tau.value
