"""A small network in every synapse."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.rules.abstract import AbstractRule
from metaplast.source import Source
from metaplast.squash import squash


class SynapticMLP(AbstractRule):
    r"""The delta rule, corrected by a small network in every synapse.

    $\Delta w = \eta\,(m\,x + f_\theta(x, y, w, m))$, $f$ a two-layer network of `width`
    softsign units, $v / (1 + |v|)$, shared by all synapses of a kind.

    The output weights start at 0, so the search starts at the delta rule; the inputs are
    squashed to [-1, 1]. Softsign and not tanh, because the n² synapses pay for every unit: one
    division instead of an exponential or a long polynomial.

    References: Bengio, Bengio & Cloutier (1991) doi:10.1109/IJCNN.1991.155621; Bergstra,
    Desjardins, Lamblin & Bengio (2009) Université de Montréal, technical report 1337 (softsign).

    Args:
        rate: $\eta$, fixed by hand; 0 or more.
        width: hidden units; 1 or more.
        seed: of the hidden weights, which are normal.
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
        if not 0 <= rate < math.inf:
            raise ValueError(f"rate = {rate}: expected 0 or more, and finite; give a positive one")
        if width < 1:
            raise ValueError(f"width = {width}: expected 1 or more")
        self.hidden = jax.random.normal(jax.random.key(seed), (width, 4))
        self.bias = jnp.zeros(width)
        self.out = jnp.zeros(width)
        self.rate = rate

    def __call__(self, synapse, memory):
        x, y, w = synapse.pre.activity, synapse.post.activity, synapse.weight
        m = synapse.post.message
        # Backward, the units are computed again: keeping them would take `width` arrays of
        # synapses for every moment.
        decided = jax.checkpoint(_decision)(self.hidden, self.bias, self.out, x, y, w, m)
        return self.rate * (m * x + decided), memory


def _decision(hidden, bias, out, x, y, w, m):
    # Unit by unit, as sums of numbers: mapped over synapses, a product of small matrices would
    # be n² of them, where sums are one pass over the weights. What only one cell has to say is
    # added up first, for it is then computed once per cell.
    x, y, w, m = squash(x), squash(y), squash(w), squash(m)
    decision = 0.0
    for (to_x, to_y, to_w, to_m), start, weight in zip(hidden, bias, out, strict=True):
        heard_post = to_y * y + to_m * m + start
        decision = decision + weight * squash(to_x * x + heard_post + to_w * w)
    return decision
