"""The cell of several states, of which its synapses see each."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import AbstractNeuron, silent
from metaplast.source import Source


class Message(AbstractNeuron):
    r"""A cell of several states that hear both directions, and that a small shared network moves.

    Forward: $y = \tanh(v) + o \cdot h$ with $v$ the drive and $h$ the `states`, 0 at birth.
    Reply: $m = (1 - \tanh^2 v)\, a + r \cdot h$ with $a$ the apical input, then
    $h \leftarrow \tanh(W h + V f)$ with $f = (v, a, y, m, \text{modulator}, 1)$.

    It offers its error and all states to its incoming synapses, its activity and all states to the
    outgoing ones, $1 + $ `states` signals each; with `Factored` of as many coefficients, a synapse
    changes by the products of like channels (rules that read standard signals, `metaplast.signals`,
    would take its states for those). $o$ and $r$ start at 0 (each `start` times
    normal numbers), so the search starts near the rate cell.

    Where we deviate from the sources: there every state of a cell travels along synapses of its own
    weight; a wire of ours carries one number forward (`Cell.activity`, or `settled`) and one
    back (`Cell.message`). So states mix within a cell and at its synapses, but reach
    other cells only as part of the two numbers; to exchange k numbers takes k populations, or
    `learners.Bidirectional`, which is the source's own family.

    Args:
        states: how many. They have no units, as $y$ has none; $v$ and $a$ are squashed or
            multiplied by what is learned.
        start: size of the first $o$ and $r$.
        seed: of the first weights.

    References: Sandler et al. (2021) ICML, arXiv:2104.04657 (cells of several states); Kirsch &
    Schmidhuber (2021) NeurIPS, arXiv:2012.14905.
    """

    source: ClassVar[Source] = Source(
        "Sandler, Vladymyrov, Zhmoginov, Miller, Jackson, Madams & Aguera y Arcas", 2021,
        "Meta-learning bidirectional update rules", "10.48550/arXiv.2104.04657",
    )  # fmt: skip
    recurrent: Float[Array, "states states"]
    """$W$."""
    inputs: Float[Array, "states features"]
    """$V$."""
    out: Float[Array, " states"]
    back: Float[Array, " states"]

    def __init__(self, states: int = 3, start: float = 0.01, seed: int = 0):
        if states < 1:
            raise ValueError(f"states = {states}: expected 1 or more")
        recurrent_key, input_key, out_key, back_key = jax.random.split(jax.random.key(seed), 4)
        self.recurrent = jax.random.normal(recurrent_key, (states, states)) / states**0.5
        self.inputs = jax.random.normal(input_key, (states, FEATURES)) / FEATURES**0.5
        self.out = start * jax.random.normal(out_key, (states,))
        self.back = start * jax.random.normal(back_key, (states,))

    def init(self, position, spacing):
        return jnp.zeros(self.out.shape)

    def fire(self, state, drive, key):
        y = jnp.tanh(drive) + self.out @ state
        return state, eqx.tree_at(lambda c: (c.activity, c.settled), silent(drive), (y, y))

    def reply(self, state, cell, apical, pool, modulator):
        v, y = cell.drive, cell.activity
        m = (1.0 - jnp.tanh(v) ** 2) * apical + self.back @ state
        heard = jnp.stack([v, apical, y, m, modulator[0], jnp.ones_like(v)])
        state = jnp.tanh(self.recurrent @ state + self.inputs @ heard)
        post, pre = jnp.append(m, state), jnp.append(y, state)
        return state, eqx.tree_at(lambda c: (c.message, c.post, c.pre), cell, (m, post, pre))


FEATURES = 6
"""Numbers that move the states: drive, apical input, activity, message, modulator, one."""
