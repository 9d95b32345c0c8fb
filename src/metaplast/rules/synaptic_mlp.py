"""A small network in every synapse."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.rules.abstract import AbstractRule
from metaplast.source import Source


class SynapticMLP(AbstractRule):
    r"""The delta rule, corrected by a small network in every synapse.

    $\Delta w = \eta\,(m\,x + f_\theta(x, y, w, m))$, $f$ a two-layer network of `width`
    units shared by all synapses of a kind. Inputs and units are squashed by $v / (1 + |v|)$, a
    fraction of the price of a hyperbolic tangent, of which a life takes one for every unit,
    synapse and moment.

    The output weights start at 0, so the search starts at the delta rule.

    References: Bengio, Bengio & Cloutier (1991) doi:10.1109/IJCNN.1991.155621.
    """

    source: ClassVar[Source] = Source(
        "Bengio, Bengio & Cloutier", 1991, "Learning a synaptic learning rule",
        "10.1109/IJCNN.1991.155621",
    )  # fmt: skip
    hidden: Float[Array, "width features"]
    bias: Float[Array, " width"]
    out: Float[Array, " width"]
    rate: float = eqx.field(static=True)

    def __init__(self, rate: float = 0.01, width: int = 8, seed: int = 0):
        if rate < 0:
            raise ValueError(f"rate = {rate}: expected 0 or more; give a positive one")
        if width < 1:
            raise ValueError(f"width = {width}: expected 1 or more")
        self.hidden = jax.random.normal(jax.random.key(seed), (width, 4))
        self.bias = jnp.zeros(width)
        self.out = jnp.zeros(width)
        self.rate = rate

    def __call__(self, synapse, memory):
        x, y = synapse.pre.activity, synapse.post.activity
        m = synapse.post.message
        return self.rate * (m * x + self._decision(x, y, synapse.weight, m)), memory

    def _decision(self, x, y, weight, message):
        # Written out unit by unit: mapped over synapses this is one pass over the weights, where a
        # small matrix product in every synapse would be slow, and would hold all units of all
        # synapses in memory.
        squashed = [soft(v) for v in (x, y, weight, message)]
        decision = jnp.zeros(())
        for row, bias, out in zip(self.hidden, self.bias, self.out, strict=True):
            drive = sum(row[f] * squashed[f] for f in range(len(squashed)))
            decision = decision + out * soft(drive + bias)
        return decision


def soft(v):
    """Squashed to (-1, 1)."""
    return v / (1.0 + jnp.abs(v))
