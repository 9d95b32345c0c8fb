"""Persistent evolution strategies: pairs of half-lived lives, without bias."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from metaplast.meta.antithetic import both_ways, stretched, twins
from metaplast.meta.es import positive_spread
from metaplast.meta.half_lived import AbstractHalfLived
from metaplast.source import Source


class PES(AbstractHalfLived):
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
    clips_each: ClassVar[bool] = False
    spread: float = eqx.field(static=True, default=0.1)

    def __check_init__(self) -> None:
        positive_spread(self.spread)

    @property
    def copies(self) -> int:
        return 2

    def newborn(self, lives, theta, key):
        return twins(lives, theta, key), jnp.zeros_like(ravel_pytree(theta)[0])

    def onward(self, lives, theta, life, fresh, stretch, key):
        vector, unravel = ravel_pytree(theta)
        pair, drift = life
        birth_key, noise_key = jax.random.split(key)
        noise = self.spread * jax.random.normal(noise_key, vector.shape, vector.dtype)
        drift = jnp.where(fresh, 0.0, drift) + noise
        lived = stretched(lives, unravel, fresh, stretch, birth_key)
        slope, score, pair = both_ways(lived, vector, noise, pair)
        return drift * slope / self.spread**2, score, (pair, drift)
