"""A small recurrent network in every synapse."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.gated import gated
from metaplast.rules.abstract import AbstractRule
from metaplast.source import Source


class SynapticGRU(AbstractRule):
    r"""The delta rule, corrected by a gated recurrent memory in every synapse.

    $\Delta w = \eta\,(m\,x + \sum_s o_s h_s)$. The `states` $h_s$ of a synapse, 0 at birth, are
    those of a gated recurrent unit that hears $f = (y, m, x, w)$, post- and pre-synaptic activity,
    post-synaptic message and weight (`gated`):

    $z = g(W_z f + U_z h + b_z)$, $r = g(W_r f + U_r h + b_r)$,
    $c = s(W_c f + U_c (r \odot h) + b_c)$, $h \leftarrow h + z \odot (c - h)$.

    All synapses of a kind share the parameters. The output weights $o$ start at 0, so the search
    starts at the delta rule. Where we deviate from the sources: $s(v) = v / (1 + |v|)$ and
    $g = (1 + s) / 2$ stand for tanh and the logistic function, which cost several times as much in
    every one of the n² synapses; the inputs are squashed by $s$; synapses exchange no messages.

    References: Cho et al. (2014) arXiv:1406.1078; Kirsch & Schmidhuber (2021) NeurIPS,
    arXiv:2012.14905 (a recurrent memory in every synapse).

    Args:
        rate: $\eta$, fixed by hand; 0 or more.
        states: numbers that a synapse remembers; 1 or more.
        seed: of the weights of the gates and the candidate, which are normal.
    """

    source: ClassVar[Source] = Source(
        "Kirsch & Schmidhuber", 2021, "Meta learning backpropagation and improving it",
        "10.48550/arXiv.2012.14905",
    )  # fmt: skip
    inputs: Float[Array, "parts states features"]
    """$W$ of update, reset and candidate."""
    recurrent: Float[Array, "parts states states"]
    """$U$ of update, reset and candidate."""
    bias: Float[Array, "parts states"]
    out: Float[Array, " states"]
    rate: float = eqx.field(static=True)

    def __init__(self, rate: float = 0.01, states: int = 3, seed: int = 0):
        if not 0 <= rate < math.inf:
            raise ValueError(f"rate = {rate}: expected 0 or more, and finite; give a positive one")
        if states < 1:
            raise ValueError(f"states = {states}: expected 1 or more")
        input_key, recurrent_key = jax.random.split(jax.random.key(seed))
        self.inputs = jax.random.normal(input_key, (3, states, 4))
        self.recurrent = jax.random.normal(recurrent_key, (3, states, states)) / states**0.5
        self.bias = jnp.zeros((3, states))
        self.out = jnp.zeros(states)
        self.rate = rate

    def init(self):
        # Numbers and not a vector: each state is then an array `[post, pre]` of its own.
        return tuple(jnp.zeros(()) for _ in self.out)

    def __call__(self, synapse, memory):
        x, y = synapse.pre.activity, synapse.post.activity
        m = synapse.post.message
        # Backward, the gates are computed again: only what a synapse remembers is kept.
        memory = jax.checkpoint(gated)(
            self.inputs, self.recurrent, self.bias, memory, ((y, m), (x,), (synapse.weight,))
        )
        told = sum(o * h for o, h in zip(self.out, memory, strict=True))
        return self.rate * (m * x + told), memory
