"""Noise-reuse evolution strategies: one perturbation for a whole life, lived in stretches."""

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


class NRES(AbstractHalfLived):
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
        pair, noise = life
        birth_key, noise_key = jax.random.split(key)
        drawn = self.spread * jax.random.normal(noise_key, vector.shape, vector.dtype)
        noise = jnp.where(fresh, drawn, noise)
        lived = stretched(lives, unravel, fresh, stretch, birth_key)
        slope, score, pair = both_ways(lived, vector, noise, pair)
        return noise * slope / self.spread**2, score, (pair, noise)
