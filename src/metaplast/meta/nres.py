"""Noise-reuse evolution strategies: one perturbation for a whole life, lived in stretches."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp

from metaplast.meta.antithetic import AbstractHeldPairs
from metaplast.source import Source


class NRES(AbstractHeldPairs):
    r"""Pairs of lives that keep their perturbation from birth to death.

    $g_k = \epsilon\,(L^+_k - L^-_k) / 2\sigma^2$: the mean over the stretches of a life is what
    `ES` makes of the whole of it, heard piece by piece. Staggered lives make the mean of a
    meta-step one over all ages.

    Args:
        spread: standard deviation of the perturbation.

    References: Li, Harrison, Sohl-Dickstein, Smith & Metz (2023) arXiv:2304.12180.
    """

    source: ClassVar[Source] = Source(
        "Li, Harrison, Sohl-Dickstein, Smith & Metz", 2023,
        "Variance-reduced gradient estimation via noise-reuse in online evolution strategies",
        "10.48550/arXiv.2304.12180",
    )  # fmt: skip

    def perturbed(self, fresh, credited, drawn):
        kept = jnp.where(fresh, drawn, credited)
        return kept, kept
