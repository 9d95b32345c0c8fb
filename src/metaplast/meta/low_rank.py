"""Evolution strategies whose perturbations of matrices are of low rank: for large genomes."""

from __future__ import annotations

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from metaplast.meta.antithetic import AbstractPairs
from metaplast.source import Source


class LowRankES(AbstractPairs):
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
    rank: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"rank = {self.rank}: expected 1 or more")

    def noise(self, theta, key):
        return ravel_pytree(low_rank(theta, self.rank, key))[0]


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
