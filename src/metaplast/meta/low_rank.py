"""Evolution strategies whose perturbations of matrices are of low rank: for large genomes."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from metaplast.meta.antithetic import both_ways
from metaplast.meta.descent import AbstractDescent, Estimate
from metaplast.meta.es import positive_spread
from metaplast.source import Source
from metaplast.spread import spread


class LowRankES(AbstractDescent):
    r"""`ES` with perturbations $\sigma A B^\top / \sqrt{r}$ of every matrix of theta.

    The entries of such a product are uncorrelated and of variance one, so to first order in
    $\sigma$ the estimate has no bias, as with independent noise. A perturbation of an
    $m \times n$ matrix is $r (m + n)$ numbers drawn instead of $m n$. Leaves with other than two
    axes get independent noise; of leaves with more axes the last two are a matrix.

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
    clips_each: ClassVar[bool] = False
    spread: float = eqx.field(static=True, default=0.1)
    rank: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        positive_spread(self.spread)
        if self.rank < 1:
            raise ValueError(f"rank = {self.rank}: expected 1 or more")

    def estimate(self, evaluate, theta, held, key):
        vector, unravel = ravel_pytree(theta)

        def one_pair(key):
            noise_key, life_key = jax.random.split(key)
            noise = self.spread * ravel_pytree(low_rank(theta, self.rank, noise_key))[0]

            def lived(vector, life):
                del life
                return *evaluate(unravel(vector), life_key), None

            slope, score, _ = both_ways(lived, vector, noise, None)
            return noise * slope / self.spread**2, score

        keys = jax.random.split(key, self.lives)
        return Estimate(*spread(one_pair, keys, self.width, lives=2)), held


def low_rank(theta, rank: int, key):
    """Noise of variance one in the shape of `theta`, its matrices products of rank `rank`."""
    leaves, tree = jax.tree.flatten(theta)
    keys = jax.random.split(key, len(leaves))

    def drawn(leaf, key):
        if leaf.ndim < 2:
            return jax.random.normal(key, leaf.shape, leaf.dtype)
        *rows, last = leaf.shape
        left, right = jax.random.split(key)
        a = jax.random.normal(left, (*rows, rank), leaf.dtype)
        b = jax.random.normal(right, (*rows[:-1], last, rank), leaf.dtype)
        return jnp.einsum("...ir,...jr->...ij", a, b) / math.sqrt(rank)

    return jax.tree.unflatten(tree, [drawn(leaf, k) for leaf, k in zip(leaves, keys, strict=True)])
