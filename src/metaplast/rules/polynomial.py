"""A Taylor expansion of the unknown rule."""

from __future__ import annotations

import itertools
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.rules.abstract import AbstractRule
from metaplast.source import Source


class Polynomial(AbstractRule):
    r"""A Taylor series in both activities, the weight and the message.

    $\Delta w = \eta \sum_{abcd} \theta_{abcd}\, x^a\, y^b\, w^c\, m^d$ over all powers
    up to `order` in sum, with $x$ pre- and $y$ post-synaptic activity, $w$ the weight and
    $m$ the post-synaptic message (what the apical site heard, seen through the cell).

    The four variables are squashed to [-1, 1] first, so that no power explodes. Starts
    at the delta rule: the coefficient of $x\,m$ is 1, all others 0.

    References: Confavreux et al. (2020) NeurIPS; Mehta et al. (2024) NeurIPS.
    """

    source: ClassVar[Source] = Source(
        "Confavreux, Zenke, Agnes, Lillicrap & Vogels", 2020,
        "A meta-learning approach to (re)discover plasticity rules that carve a desired "
        "function into a neural network",
    )  # fmt: skip
    theta: Float[Array, " terms"]
    rate: float = eqx.field(static=True)
    order: int = eqx.field(static=True)

    def __init__(self, rate: float = 0.01, order: int = 3, theta: tuple[float, ...] | None = None):
        if rate < 0:
            raise ValueError(f"rate = {rate}: expected 0 or more; give a positive one")
        if order < 2:
            raise ValueError(
                f"order = {order}: expected 2 or more, for the delta rule has two factors"
            )
        start = [1.0 if p == (1, 0, 0, 1) else 0.0 for p in powers(order)]
        if theta is not None and len(theta) != len(start):
            raise ValueError(f"theta has {len(theta)} values, order {order} has {len(start)} terms")
        self.theta = jnp.asarray(start if theta is None else theta, float)
        self.rate, self.order = rate, order

    def __call__(self, synapse, memory):
        variables = [
            jnp.tanh(v)
            for v in (
                synapse.pre.activity,
                synapse.post.activity,
                synapse.weight,
                synapse.post.message,
            )
        ]
        change = 0.0
        for coefficient, exponents in zip(self.theta, powers(self.order), strict=True):
            term = coefficient
            for variable, exponent in zip(variables, exponents, strict=True):
                for _ in range(exponent):
                    term = term * variable
            change = change + term
        return self.rate * change, memory


def powers(order: int) -> list[tuple[int, int, int, int]]:
    """Exponents (pre, post, weight, message) of every term up to `order`, constant first."""
    each = range(order + 1)
    every = itertools.product(each, each, each, each)
    return sorted((p for p in every if sum(p) <= order), key=lambda p: (sum(p), p))
