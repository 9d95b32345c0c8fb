"""Learned windows of spike timing: sums of exponentials, and a third factor."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.positive import Positive, kept, known_step, positive
from metaplast.rules.abstract import AbstractRule
from metaplast.signals import HEARD, SLOPE, from_post
from metaplast.source import Source

Scalars = tuple[Float[Array, ""], ...]


class KernelMemory(NamedTuple):
    pre: Scalars
    """Traces of the pre-synaptic spikes, one for each exponential."""
    post: Scalars
    eligibility: Float[Array, ""]


class TraceKernel(AbstractRule):
    r"""Spikes leave traces; what the traces meet is eligible; a third factor makes it a change.

    With pre-synaptic spikes $x$, post-synaptic spikes $y$ and the slope $\psi$ of the
    post-synaptic cell: $p_k \leftarrow e^{-dt/\tau_k} p_k + x$, and likewise $q_k$ of $y$;

    $h = (c_y\, y + c_\psi\, \psi) \sum_k a_k p_k + x \sum_k b_k q_k$, $\quad e \leftarrow
    e^{-dt/\tau_e}\, e + h$, $\quad \Delta w = \eta\,(g_1 + g_L L + g_R R)\, e$,

    with $L$ what the post-synaptic cell hears at its apical site and $R$ the modulator. All
    coefficients and time constants are searchable; $\tau_e = 0$ stays 0. $p$ counts the spike of
    this moment, $q$ does not, as in `neurons.Traced`; $e$ is that of this moment.

    Points of this family: `PairSTDP` ($\tau_e = 0$, $a = 1$, $b = -\kappa$, $c_y = g_1 = 1$; the
    default), `RewardSTDP` (the same with its $\tau_e$, $g_1 = d_0$ and $g_R = -1$), `EProp` without
    adaptation ($c_\psi = g_L = 1$ for $c_y$ and $g_1$, $b = 0$, $\tau_e$ that of the readout).

    Where we deviate from the sources: windows are sums of exponentials and not tables; there are
    no triplets; each synapse keeps the traces of both its cells, which costs memory and saves the
    cells from knowing the rule.

    Args:
        rate: $\eta$.
        pre: $a$, one number for each pre-synaptic exponential.
        post: $b$, likewise.
        tau_pre: $\tau$ of the pre-synaptic traces in ms, as many as `pre`.
        tau_post: likewise.
        triggers: $(c_y, c_\psi)$.
        third: $(g_1, g_L, g_R)$.
        tau: $\tau_e$ in ms; 0 for none.
        dt: length of a moment in ms.

    References: Gerstner, Lehmann, Liakoni, Corneil & Brea (2018) doi:10.3389/fncir.2018.00053
    (three factors); Confavreux, Ramesh, Goncalves, Macke & Vogels (2023) NeurIPS (families of
    spiking rules that are searched).
    """

    source: ClassVar[Source] = Source(
        "Gerstner, Lehmann, Liakoni, Corneil & Brea", 2018,
        "Eligibility traces and plasticity on behavioral time scales: experimental support of "
        "neoHebbian three-factor learning rules", "10.3389/fncir.2018.00053",
    )  # fmt: skip
    rate: Positive
    pre: Float[Array, " kernels"]
    post: Float[Array, " kernels"]
    tau_pre: tuple[Positive, ...]
    tau_post: tuple[Positive, ...]
    triggers: Float[Array, " 2"]
    third: Float[Array, " 3"]
    tau: Positive
    dt: float = eqx.field(static=True)

    def __init__(
        self,
        rate: float | Positive = 0.005,
        pre: tuple[float, ...] = (1.0, 0.0),
        post: tuple[float, ...] = (-1.05, 0.0),
        tau_pre: tuple[float, ...] = (16.8, 101.0),
        tau_post: tuple[float, ...] = (33.7, 114.0),
        triggers: tuple[float, float] = (1.0, 0.0),
        third: tuple[float, float, float] = (1.0, 0.0, 0.0),
        tau: float | Positive = 0.0,
        dt: float = 1.0,
    ):
        known_step(dt)
        for side, weights, taus in (("pre", pre, tau_pre), ("post", post, tau_post)):
            if len(weights) != len(taus) or not weights:
                raise ValueError(
                    f"{side} = {weights}: expected one number for each of tau_{side} = {taus}, and "
                    "one at least; give as many"
                )
        if len(triggers) != 2 or len(third) != 3:
            raise ValueError(
                f"triggers = {triggers}, third = {third}: expected two and three numbers"
            )
        self.rate, self.tau, self.dt = positive(rate), positive(tau, "tau"), dt
        self.pre, self.post = jnp.asarray(pre, float), jnp.asarray(post, float)
        self.tau_pre = tuple(positive(t, "tau_pre") for t in tau_pre)
        self.tau_post = tuple(positive(t, "tau_post") for t in tau_post)
        self.triggers, self.third = jnp.asarray(triggers, float), jnp.asarray(third, float)

    def init(self):
        zero = jnp.zeros(())
        return KernelMemory((zero,) * len(self.tau_pre), (zero,) * len(self.tau_post), zero)

    def __call__(self, synapse, memory):
        x, y = synapse.pre.activity, synapse.post.activity
        faded = [kept(tau, self.dt) * q for tau, q in zip(self.tau_post, memory.post, strict=True)]
        pre = tuple(
            kept(tau, self.dt) * p + x for tau, p in zip(self.tau_pre, memory.pre, strict=True)
        )
        trigger = self.triggers[0] * y + self.triggers[1] * from_post(synapse.post, SLOPE)
        hebbian = trigger * _weighed(self.pre, pre) + x * _weighed(self.post, faded)
        eligibility = kept(self.tau, self.dt) * memory.eligibility + hebbian
        always, heard, reward = self.third
        third = always + heard * from_post(synapse.post, HEARD) + reward * synapse.modulator[0]
        post = tuple(q + y for q in faded)
        return self.rate.value * third * eligibility, KernelMemory(pre, post, eligibility)


def _weighed(weights, traces):
    """Sums of numbers, for mapped over synapses a product would be n² small ones."""
    return sum(weight * trace for weight, trace in zip(weights, traces, strict=True))
