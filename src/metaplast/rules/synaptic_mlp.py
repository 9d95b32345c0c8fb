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
    tanh units shared by all synapses of a kind.

    The output weights start at 0, so the search starts at the delta rule; the inputs are
    squashed to [-1, 1].

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
        features = jnp.tanh(jnp.stack([x, y, synapse.weight, m]))
        decision = self.out @ jnp.tanh(self.hidden @ features + self.bias)
        return self.rate * (m * x + decision), memory
