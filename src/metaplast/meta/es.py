"""Evolution strategies: the gradient of the loss, blurred, from pairs of whole lives."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
from jax.flatten_util import ravel_pytree

from metaplast.meta.antithetic import both_ways
from metaplast.meta.descent import AbstractDescent, Estimate
from metaplast.source import Source
from metaplast.spread import spread


class ES(AbstractDescent):
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
    clips_each: ClassVar[bool] = False
    spread: float = eqx.field(static=True, default=0.1)

    def __check_init__(self) -> None:
        positive_spread(self.spread)

    def estimate(self, evaluate, theta, held, key):
        vector, unravel = ravel_pytree(theta)

        def one_pair(key):
            noise_key, life_key = jax.random.split(key)
            noise = self.spread * jax.random.normal(noise_key, vector.shape, vector.dtype)

            def lived(vector, life):
                del life
                return *evaluate(unravel(vector), life_key), None

            slope, score, _ = both_ways(lived, vector, noise, None)
            return noise * slope / self.spread**2, score

        keys = jax.random.split(key, self.lives)
        return Estimate(*spread(one_pair, keys, self.width, lives=2)), held


def positive_spread(spread: float) -> None:
    """Refuse a perturbation of no size.

    Raises:
        ValueError: `spread` is not a positive number.
    """
    if not spread > 0:
        raise ValueError(f"spread = {spread}: expected a positive number")
