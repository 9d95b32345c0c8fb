"""Learned initial weights: born with a network that has been found elsewhere.

The rule is honest. The weights at birth are not drawn: they are the genome's, the same ones at
every birth, as many numbers as there are synapses. Gradient-based meta-learning does that.

References: Finn, Abbeel & Levine (2017) arXiv:1703.03400.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL, Scale, from_function

BREAKS = ("genome_bottleneck",)


def inherited(scale: Scale):
    """The weights of the genome; which ones does not matter, only that they are always these."""
    return base.born(jax.random.key(1982), scale)["projections"]


def born(key, scale=SMALL):
    state = base.born(key, scale)
    numbers = inherited(scale)
    return {**state, "projections": jax.tree.map(jnp.asarray, numbers)}


def subject(scale: Scale = SMALL):
    return from_function(
        "learned_weights", base.step, lambda key: born(key, scale), subject,
        numbers=inherited(scale),
    )  # fmt: skip
