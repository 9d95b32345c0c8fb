"""Hebbian eligibility, and a third factor that says whether it was good."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.positive import Positive, kept, positive, positive_as
from metaplast.rules.abstract import AbstractRule
from metaplast.rules.modulator import Meaning, known_meaning
from metaplast.signals import ERROR, from_pre
from metaplast.source import Source


class Eligible(NamedTuple):
    eligibility: Float[Array, ""]
    expected: Float[Array, ""]
    """Running mean of the reward."""


class ThreeFactor(AbstractRule):
    r"""What two cells did stays eligible for a while, and a reward beyond expectation keeps it.

    $e_{ij} \leftarrow e^{-1/\tau}\, e_{ij} + y_i\, \bar x_j$, $\Delta w_{ij} = \eta\,(R - \bar R)\,
    e_{ij}$, then $\bar R \leftarrow \bar R + (R - \bar R) / \tau_R$. The reward is $R = -m$ of the
    modulator $m$, which is 1 where the answer was wrong, as a task that tells the target says. Of a
    task that rewards (`tasks.Reinforced`, `tasks.DelayedReward`) the modulator is the reward: give
    `hears = "reward"`, and $R = m$; otherwise what is right would be unlearned. $\bar x$ is the
    activity, or its trace where the pre-synaptic cell keeps one (`neurons.Traced`).

    Where we deviate: the review's family has any Hebbian term $H(y, x)$; this is the plain product.
    The mean reward is broadcast in the brain; here every synapse keeps its own copy of it, from
    what it can sense.

    Args:
        rate: $\eta$.
        tau: of the eligibility, in moments.
        tau_reward: $\tau_R$, in moments.
        hears: what the modulator is, `error` or `reward`.

    References: Frémaux & Gerstner (2016) doi:10.3389/fncir.2015.00085.
    """

    source: ClassVar[Source] = Source(
        "Frémaux & Gerstner", 2016,
        "Neuromodulated spike-timing-dependent plasticity, and theory of three-factor learning "
        "rules",
        "10.3389/fncir.2015.00085",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)
    tau: Positive = eqx.field(default=10.0, converter=positive_as("tau"))
    tau_reward: Positive = eqx.field(default=100.0, converter=positive_as("tau_reward"))
    hears: Meaning = eqx.field(default="error", static=True)

    def __check_init__(self) -> None:
        known_meaning(self.hears)

    def init(self):
        return Eligible(jnp.zeros(()), jnp.zeros(()))

    def __call__(self, synapse, memory):
        hebbian = synapse.post.activity * from_pre(synapse.pre, ERROR)
        eligibility = kept(self.tau) * memory.eligibility + hebbian
        told = synapse.modulator[0]
        reward = told if self.hears == "reward" else -told
        surprise = reward - memory.expected
        expected = memory.expected + surprise / self.tau_reward.value
        return self.rate.value * surprise * eligibility, Eligible(eligibility, expected)
