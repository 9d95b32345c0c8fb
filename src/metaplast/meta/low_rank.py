"""Evolution strategies whose perturbations of matrices are of low rank: for large genomes."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from metaplast.meta.abstract import JUDGING
from metaplast.meta.antithetic import AbstractPairs, slope_along
from metaplast.meta.descent import mean_of_the_sound, survivors
from metaplast.source import Source
from metaplast.spread import spread

EXACT = jax.lax.Precision.HIGHEST
"""Of products, which accelerators would round to fewer bits than what they are credited for."""


class LowRankES(AbstractPairs):
    r"""`ES` with perturbations $\sigma A B^\top / \sqrt{r}$ of every matrix of theta.

    The entries of such a product are uncorrelated and of variance one, so to first order in
    $\sigma$ the estimate has no bias, as with independent noise. A perturbation of an
    $m \times n$ matrix is $r (m + n)$ numbers drawn instead of $m n$. Leaves with other than two
    axes get independent noise; of leaves with more axes the last two are a matrix.

    A meta-step keeps no gradient of each pair: their mean is one contraction of the factors, each
    pair's times its slope. So its memory is that of the lives that are lived at once (`width`), of
    which each has a perturbed theta, and does not grow with pairs times numbers.

    Args:
        spread: standard deviation of the perturbation.
        rank: $r$.

    References: Sarkar et al. (2025) arXiv:2511.16652.
    """

    source: ClassVar[Source] = Source(
        "Sarkar et al.",
        2025,
        "Evolution strategies at the hyperscale",
        "10.48550/arXiv.2511.16652",
    )
    rank: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"rank = {self.rank}: expected 1 or more")

    def room(self, numbers: int) -> int:
        """Of a gradient, and of a few numbers for each pair; its factors are few as well."""
        return 4 * (numbers + JUDGING * self.lives)

    def noise(self, theta, key):
        return self._vector(theta, [product(f) for f in factors(theta, self.rank, key)])

    def mean(self, evaluate, theta, held, key):
        def one_pair(key):
            noise_key, life_key = jax.random.split(key)
            drawn = factors(theta, self.rank, noise_key)
            noise = self.spread * self._vector(theta, [product(f) for f in drawn])
            slope, score = slope_along(noise, evaluate, theta, life_key)
            return drawn, slope, optax.tree.norm(noise * slope / self.spread**2), score

        keys = jax.random.split(key, self.lives)
        drawn, slopes, sizes, scores = spread(one_pair, keys, self.width, self.copies)
        sound, weight, count = survivors(sizes, self.longest)
        share = jnp.where(sound, slopes, 0.0) * weight / (self.spread * count)
        gradient = self._vector(theta, [summed(f, share) for f in drawn])
        return (gradient, mean_of_the_sound(scores, sound), jnp.mean(~sound)), held

    @staticmethod
    def _vector(theta, leaves):
        return ravel_pytree(jax.tree.unflatten(jax.tree.structure(theta), leaves))[0]


def factors(theta, rank: int, key) -> list[tuple[Array, ...]]:
    """Of every leaf of `theta` what noise of variance one is made of: the two factors of a matrix,
    `[..., m, rank]` and `[..., n, rank]`, or of other leaves the noise itself."""
    leaves = jax.tree.leaves(theta)

    def drawn(leaf, key):
        if leaf.ndim < 2:
            return (jax.random.normal(key, leaf.shape, leaf.dtype),)
        *rows, last = leaf.shape
        left, right = jax.random.split(key)
        a = jax.random.normal(left, (*rows, rank), leaf.dtype)
        b = jax.random.normal(right, (*rows[:-1], last, rank), leaf.dtype)
        return a, b

    keys = jax.random.split(key, len(leaves))
    return [drawn(leaf, k) for leaf, k in zip(leaves, keys, strict=True)]


def product(factors: tuple[Array, ...]) -> Array:
    """The noise of a leaf."""
    if len(factors) == 1:
        return factors[0]
    a, b = factors
    return jnp.einsum("...ir,...jr->...ij", a, b, precision=EXACT) / math.sqrt(a.shape[-1])


def summed(factors: tuple[Array, ...], share: Float[Array, " pairs"]) -> Array:
    """The noises of a leaf, each times its share, summed over pairs; none of them is made.

    Args:
        factors: of every pair, leaves `[pairs, ...]`.
        share: of each.
    """
    first = factors[0] * share.reshape(-1, *(1,) * (factors[0].ndim - 1))
    if len(factors) == 1:
        return jnp.sum(first, 0)
    rank = first.shape[-1]
    return jnp.einsum("p...ir,p...jr->...ij", first, factors[1], precision=EXACT) / math.sqrt(rank)
