"""A plain Taylor series in what a synapse senses: the family in which rules are inferred."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.rules.abstract import AbstractRule
from metaplast.source import Source

SENSED = ("x", "y", "w", "r")
"""Pre- and post-synaptic activity, the weight, and the modulator."""


class Taylor(AbstractRule):
    r"""All products of powers, each with a coefficient.

    $\Delta w_{ij} = \sum_{abcd} \theta_{abcd}\, x_j^a\, y_i^b\, w_{ij}^c\, r^d$ for $a, b, c, d$
    up to `highest`, with $r$ the first modulator. Unlike `Polynomial` nothing is squashed, so
    Hebb's, Oja's and other textbook rules are points of it. Starts at Oja's rule at a rate of 0.01,
    where the powers allow it.

    Args:
        theta: coefficients `[a, b, c, d]`; by default those of Oja's rule.
        highest: the highest power of each of the four; ignored where `theta` is given.

    References: Mehta et al. (2024) doi:10.1101/2023.12.11.571103.
    """

    source: ClassVar[Source] = Source(
        "Mehta, Tyulmankov, Rajagopalan, Turner, Fitzgerald & Funke", 2024,
        "Model-based inference of synaptic plasticity rules", "10.1101/2023.12.11.571103",
    )  # fmt: skip
    theta: Float[Array, "pre post weight modulator"]

    def __init__(
        self,
        theta: Any = None,
        highest: tuple[int, int, int, int] = (2, 2, 1, 0),
    ) -> None:
        if len(highest) != len(SENSED) or min(highest) < 0:
            raise ValueError(f"highest = {highest}: expected four powers of 0 or more; give them")
        if theta is None:
            theta = jnp.zeros([power + 1 for power in highest])
            for place, value in (((1, 1, 0, 0), 0.01), ((0, 2, 1, 0), -0.01)):
                if all(p <= h for p, h in zip(place, highest, strict=True)):
                    theta = theta.at[place].set(value)
        try:
            self.theta = jnp.asarray(theta, float)
        except (TypeError, ValueError):  # rows of several lengths, or no numbers
            raise ValueError(
                "theta: expected numbers in four axes of powers, each row as long as the others"
            ) from None
        if self.theta.ndim != len(SENSED):
            raise ValueError(
                f"theta: shape {self.theta.shape}, expected four axes of powers; give them"
            )

    def __call__(self, synapse, memory):
        sensed = (
            synapse.pre.activity, synapse.post.activity, synapse.weight, synapse.modulator[0],
        )  # fmt: skip
        change = self.theta
        for variable, size in zip(sensed, self.theta.shape, strict=True):
            change = jnp.tensordot(_powers(variable, size), change, 1)
        return change, memory

    @property
    def terms(self) -> list[str]:
        """The product that each coefficient stands for, such as `x y²`, in the order of `theta`."""
        places = itertools.product(*(range(size) for size in self.theta.shape))
        return [_term(powers) for powers in places]


def _powers(variable: Float[Array, ""], count: int) -> Float[Array, " count"]:
    """1, v, v², ...; products, for the derivative of a power at 0 is no number."""
    found = [jnp.ones_like(variable)]
    for _ in range(count - 1):
        found.append(found[-1] * variable)
    return jnp.stack(found)


def _term(powers: tuple[int, ...]) -> str:
    exponents = {1: "", 2: "²", 3: "³"}
    parts = [
        name + exponents.get(power, f"^{power}")
        for name, power in zip(SENSED, powers, strict=True)
        if power
    ]
    return " ".join(parts) or "1"
