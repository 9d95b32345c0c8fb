"""Evolution strategies: the gradient of the loss, blurred, from pairs of whole lives."""

from __future__ import annotations

from typing import ClassVar

import jax
from jax.flatten_util import ravel_pytree

from metaplast.meta.antithetic import AbstractPairs
from metaplast.source import Source


class ES(AbstractPairs):
    r"""Pairs of whole lives at $\theta + \epsilon$ and $\theta - \epsilon$.

    $g = \epsilon\,(L(\theta + \epsilon) - L(\theta - \epsilon)) / 2\sigma^2$ with
    $\epsilon \sim N(0, \sigma^2)$: without bias for the loss blurred by $\sigma$, and with a
    variance that grows with the numbers of theta. Both lives of a pair are born alike and meet the
    same experience. Needs no derivative of a life.

    Args:
        spread: standard deviation of the perturbation.

    References: Salimans, Ho, Chen, Sidor & Sutskever (2017) arXiv:1703.03864; Nesterov & Spokoiny
    (2017) doi:10.1007/s10208-015-9296-2.
    """

    source: ClassVar[Source] = Source(
        "Salimans, Ho, Chen, Sidor & Sutskever", 2017,
        "Evolution strategies as a scalable alternative to reinforcement learning",
        "10.48550/arXiv.1703.03864",
    )  # fmt: skip

    def noise(self, theta, key):
        vector = ravel_pytree(theta)[0]
        return jax.random.normal(key, vector.shape, vector.dtype)
