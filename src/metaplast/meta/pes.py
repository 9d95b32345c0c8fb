"""Persistent evolution strategies: pairs of half-lived lives, without bias."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp

from metaplast.meta.antithetic import AbstractHeldPairs
from metaplast.source import Source


class PES(AbstractHeldPairs):
    r"""Each stretch has a perturbation of its own, and is credited to all of the life so far.

    $g_k = \xi_k\,(L^+_k - L^-_k) / 2\sigma^2$ with $\xi_k = \epsilon_1 + \dots + \epsilon_k$, the
    perturbations since birth. The mean over the stretches of a life has no bias (but for the blur
    of $\sigma$), where truncated backprop has. Variance grows with the number of stretches;
    `NRES` has less of it where stretches pull the same way.

    Args:
        spread: standard deviation of a perturbation.

    References: Vicol, Metz & Sohl-Dickstein (2021) arXiv:2112.13835.
    """

    source: ClassVar[Source] = Source(
        "Vicol, Metz & Sohl-Dickstein", 2021,
        "Unbiased gradient estimation in unrolled computation graphs with persistent evolution "
        "strategies", "10.48550/arXiv.2112.13835",
    )  # fmt: skip

    def perturbed(self, fresh, credited, drawn):
        return drawn, jnp.where(fresh, 0.0, credited) + drawn
