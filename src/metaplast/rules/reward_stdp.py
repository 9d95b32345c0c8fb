"""Spike-timing-dependent plasticity that waits for a reward."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.positive import Positive, kept, positive, positive_as
from metaplast.rules.abstract import AbstractRule
from metaplast.rules.modulator import Meaning, known_meaning
from metaplast.rules.pair_stdp import PairSTDP
from metaplast.source import Source


class RewardSTDP(AbstractRule):
    r"""Spike pairs tag a synapse, and dopamine turns the fading tag into weight.

    $c_{ij} \leftarrow e^{-1/\tau}\, c_{ij} + \mathrm{STDP}_{ij}$ and $\Delta w_{ij} = \eta\, d\,
    c_{ij}$, with STDP the change that `PairSTDP` would make at once, and dopamine $d = d_0 - m$ of
    the modulator $m$, which is 1 where the answer was wrong, as a task that tells the target says.
    Of a task that rewards (`tasks.Reinforced`, `tasks.DelayedReward`) the modulator is the reward
    $R$ itself, and means the contrary: give `hears = "reward"`, and $m = 1 - R$.

    Where we deviate from the paper: dopamine is there for the moment of the reward, without a decay
    of its own; weights are not bounded. At $d_0 = 1$ there is reward only, below also punishment.

    Args:
        rate: $\eta$.
        tau: of the tag, in moments; 1 s in the paper.
        tonic: $d_0$.
        ratio: of depression to potentiation.
        hears: what the modulator is, `error` or `reward`.

    References: Izhikevich (2007) doi:10.1093/cercor/bhl152.
    """

    source: ClassVar[Source] = Source(
        "Izhikevich", 2007,
        "Solving the distal reward problem through linkage of STDP and dopamine signaling",
        "10.1093/cercor/bhl152",
    )  # fmt: skip
    rate: Positive = eqx.field(default=0.01, converter=positive)
    tau: Positive = eqx.field(default=1000.0, converter=positive_as("tau"))
    tonic: Float[Array, ""] = eqx.field(default=1.0, converter=lambda v: jnp.asarray(v, float))
    ratio: Positive = eqx.field(default=1.05, converter=positive_as("ratio"))
    hears: Meaning = eqx.field(default="error", static=True)

    def __check_init__(self) -> None:
        known_meaning(self.hears)

    def init(self):
        return jnp.zeros(())

    def __call__(self, synapse, memory):
        change, _ = PairSTDP(1.0, self.ratio)(synapse, ())
        tag = kept(self.tau) * memory + change
        told = synapse.modulator[0]
        wrong = 1.0 - told if self.hears == "reward" else told
        return self.rate.value * (self.tonic - wrong) * tag, tag
