"""A Taylor expansion of the unknown rule."""

from __future__ import annotations

import itertools
import math
from typing import ClassVar

import equinox as eqx
import jax
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
        if not 0 <= rate < math.inf:
            raise ValueError(f"rate = {rate}: expected 0 or more, and finite; give a positive one")
        if order < 2:
            raise ValueError(
                f"order = {order}: expected 2 or more, for the delta rule has two factors"
            )
        start = [1.0 if p == (1, 0, 0, 1) else 0.0 for p in powers(order)]
        if theta is not None and len(theta) != len(start):
            raise ValueError(f"theta has {len(theta)} values, order {order} has {len(start)} terms")
        for each in () if hasattr(theta, "shape") else theta or ():
            if not math.isfinite(each):
                raise ValueError(f"theta: {each} is no finite number, expected coefficients")
        self.theta = jnp.asarray(start if theta is None else theta, float)
        self.rate, self.order = rate, order

    def __call__(self, synapse, memory):
        x, y = synapse.pre.activity, synapse.post.activity
        # Backward, powers are computed again instead of being kept for every moment.
        change = jax.checkpoint(_series, static_argnums=0)(
            self.order, self.theta, x, y, synapse.weight, synapse.post.message
        )
        return self.rate * change, memory


def _series(order, theta, x, y, w, m):
    x, y, w, m = jnp.tanh(x), jnp.tanh(y), jnp.tanh(w), jnp.tanh(m)
    # All terms with the same powers of the pre-synaptic activity and of the weight share a factor
    # that the post-synaptic cell knows alone: computed once per cell, it leaves the n² synapses
    # the 10 of 35 products (at order 3) in which they differ.
    factors: dict[tuple[int, int], Float[Array, ""]] = {}
    for coefficient, (a, b, c, d) in zip(theta, powers(order), strict=True):
        term = coefficient * _power(y, b) * _power(m, d)
        factors[c, a] = term + factors[c, a] if (c, a) in factors else term
    change = factors[order, 0]
    for c in reversed(range(order)):
        inner = factors[c, order - c]
        for a in reversed(range(order - c)):
            inner = inner * x + factors[c, a]
        change = change * w + inner
    return change


def _power(variable, exponent: int):
    result = 1.0
    for _ in range(exponent):
        result = result * variable
    return result


def powers(order: int) -> list[tuple[int, int, int, int]]:
    """Exponents (pre, post, weight, message) of every term up to `order`, constant first."""
    each = range(order + 1)
    every = itertools.product(each, each, each, each)
    return sorted((p for p in every if sum(p) <= order), key=lambda p: (sum(p), p))
