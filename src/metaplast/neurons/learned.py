"""The learned neuron: its feed-forward behavior and its reply are decisions of a small network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.neurons.abstract import POOL, AbstractNeuron, resting
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.decision import Decision
from metaplast.source import Source
from metaplast.types import State


class LearnedState(NamedTuple):
    inner: State
    slow: Float[Array, ""]
    """Running mean of the size of its own message."""


class Learned(AbstractAround):
    r"""Another neuron, whose every answer is corrected by two small networks.

    Feed-forward: the activity becomes $y\, e^{c \tanh d_0} + c \tanh d_1$, where the population
    reported an energy; else nothing is added, so that silence stays silence. Cells that report none
    (`Rate`, `Slopeless`, `Output("linear")`) are therefore scaled only, and the numbers behind that
    $d_1$ decide nothing (their derivative is 0); with spiking cells it is added at moments at which
    one of them spiked. Reply: the message becomes $m\, e^{c \tanh d_0} + c\, a \tanh d_1$ with $a$
    the apical input, and every signal $s_k$ offered to a synapse becomes $s_k\, e^{c \tanh d_k}$,
    with a $d_k$ of its own. The error-like $s_0$ is scaled with what was added to the message in
    it: $(s_0 + c\, a \tanh d_1)\, e^{c \tanh d_k}$. The decisions $d$ read what the cell itself
    knows: drive, activity, apical input, message, the modulator, its interneuron's answer and a
    running mean of its own message size.
    So a search starts at the cell `base`, stays within a factor of it, and cannot leave its sites.

    A cell that is taught hears at its apical site what is wanted of it, which is not zero where
    its error is. What $d_1$ adds then moves the place where its synapses come to rest, but not the
    one where `base` itself does (the excitability of `Output`), and in long lives the two push each
    other further and further away. `anchored` leaves it out: every correction is a factor, and
    learning rests where it rests without corrections.

    Args:
        base: the cell whose answers are corrected.
        width: units of each decision network.
        bound: $c$, how far a decision can go, as a log factor.
        start: size of the first decisions.
        seed: of the first decisions.
        anchored: whether nothing is added to the message.

    References: Bengio, Bengio & Cloutier (1991) doi:10.1109/IJCNN.1991.155621; Metz et al.
    (2019) ICLR.
    """

    source: ClassVar[Source] = Source(
        "Metz, Maheswaranathan, Cheung & Sohl-Dickstein", 2019,
        "Meta-learning update rules for unsupervised representation learning",
    )  # fmt: skip
    base: AbstractNeuron
    forward: Decision
    backward: Decision
    bound: float = eqx.field(static=True)
    anchored: bool = eqx.field(static=True)

    def __init__(
        self,
        base: AbstractNeuron,
        width: int = 8,
        bound: float = 1.0,
        start: float = 0.01,
        seed: int = 0,
        anchored: bool = False,
    ):
        if width < 1:
            raise ValueError(f"width = {width}: expected 1 or more")
        if not bound > 0:
            raise ValueError(f"bound = {bound}: expected a positive number")
        self.base = base
        self.bound, self.anchored = bound, anchored
        decisions = (2 if anchored else 3) + sum(signals_offered(base))
        self.forward = Decision(3 + POOL, 2, width, start, seed)
        self.backward = Decision(7 + POOL, decisions, width, start, seed + 1)

    def init(self, position, spacing):
        return LearnedState(self.base.init(position, spacing), jnp.zeros(()))

    def inhibit(self, state, cell, pool):
        state, cell = super().inhibit(state, cell, pool)
        features = jnp.concatenate([jnp.stack([cell.drive, cell.activity, state.slow]), pool])
        gain, extra = _cut(self.bound * jnp.tanh(self.forward(features)), 1, 1)
        activity = cell.activity * jnp.exp(gain[0]) + extra[0] * (pool[0] > 0)
        settled = cell.settled * jnp.exp(gain[0])
        return state, eqx.tree_at(lambda c: (c.activity, c.settled), cell, (activity, settled))

    def reply(self, state, cell, apical, pool, modulator):
        state, cell = super().reply(state, cell, apical, pool, modulator)
        own = [cell.drive, cell.activity, cell.settled, apical, cell.message, state.slow]
        known = jnp.stack([*own, modulator[0]])
        decided = self.bound * jnp.tanh(self.backward(jnp.concatenate([known, pool])))
        n, k = cell.post.shape[0], cell.pre.shape[0]
        told, *extra, kept, onto, out = _cut(decided, *[1] * (2 if self.anchored else 3), n, k)
        added = apical * extra[0][0] if extra else jnp.zeros(())
        message = cell.message * jnp.exp(told[0]) + added
        settled = cell.settled * jnp.exp(kept[0])
        post = (cell.post + jnp.zeros(n).at[0].set(added)) * jnp.exp(onto)
        pre = cell.pre * jnp.exp(out)
        slow = 0.99 * state.slow + 0.01 * jnp.abs(message)
        return state._replace(slow=slow), eqx.tree_at(
            lambda c: (c.message, c.post, c.pre, c.settled), cell, (message, post, pre, settled)
        )


def _cut(decisions: Float[Array, " decisions"], *sizes: int) -> Sequence[Float[Array, " _"]]:
    """Decisions, part by part. In one operation, whose derivative is one concatenation: that of
    every slice would be a vector padded with zeros."""
    return jax.lax.split(decisions, sizes)


def signals_offered(neuron: AbstractNeuron) -> tuple[int, int]:
    """How many signals a neuron offers its incoming and its outgoing synapses."""
    cell = jax.eval_shape(lambda: resting(neuron, 1))
    return cell.post.shape[1], cell.pre.shape[1]
