"""The policy gradient with a trace: what was tried stays eligible until its reward comes."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.positive import Positive, kept, positive, positive_as
from metaplast.rules.abstract import AbstractRule
from metaplast.rules.modulator import Meaning
from metaplast.signals import ERROR, from_post, from_pre
from metaplast.source import Source


class Tried(NamedTuple):
    trace: Float[Array, ""]
    expected: Float[Array, ""]
    """Running mean of the reward."""


class PolicyTrace(AbstractRule):
    r"""What a cell tried, beyond what it expected of itself, is kept if a reward follows.

    $z_{ij} \leftarrow e^{-1/\tau} z_{ij} + e_i\, x_j$ and $\Delta w_{ij} = \eta\,(R - \bar R)\,
    z_{ij}$, then $\bar R \leftarrow \bar R + (R - \bar R)/\tau_R$. $R$ is the modulator of a task
    that rewards (`tasks.Reinforced`, `tasks.DelayedReward`), $e_i$ the error that the post-synaptic
    cell tells: for softmax output cells that hear a copy of their answer (`hears = "answer"`),
    $e_i x_j$ is $\partial \log \pi / \partial w_{ij}$, so this is OLPOMDP, and REINFORCE at
    $\tau \to 0$.

    Where we deviate: the mean reward is subtracted (a baseline, as in Williams 1992), and each
    synapse keeps its own copy of it, from what it can sense.

    Args:
        rate: $\eta$.
        tau: of the trace, in moments.
        tau_reward: $\tau_R$, in moments.

    References: Baxter & Bartlett (2001) doi:10.1613/jair.806; Williams (1992)
    doi:10.1007/BF00992696.
    """

    source: ClassVar[Source] = Source(
        "Baxter & Bartlett", 2001, "Infinite-horizon policy-gradient estimation", "10.1613/jair.806"
    )
    hears: ClassVar[Meaning] = "reward"
    rate: Positive = eqx.field(default=0.01, converter=positive)
    tau: Positive = eqx.field(default=3.0, converter=positive_as("tau"))
    tau_reward: Positive = eqx.field(default=100.0, converter=positive_as("tau_reward"))

    def init(self):
        return Tried(jnp.zeros(()), jnp.zeros(()))

    def __call__(self, synapse, memory):
        tried = from_post(synapse.post, ERROR) * from_pre(synapse.pre, ERROR)
        trace = kept(self.tau) * memory.trace + tried
        surprise = synapse.modulator[0] - memory.expected
        expected = memory.expected + surprise / self.tau_reward.value
        return self.rate.value * surprise * trace, Tried(trace, expected)
