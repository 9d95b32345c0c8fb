"""Truncated backprop: derivatives that end where the stretch began."""

from __future__ import annotations

from typing import ClassVar

import jax
from jax.flatten_util import ravel_pytree

from metaplast.meta.half_lived import AbstractHalfLived, renewed
from metaplast.source import Source


class Truncated(AbstractHalfLived):
    """Backprop through the last `stretch` moments of each life, which lives on.

    Memory and time grow with the stretch and not with the life. Biased: what theta did to the
    learner before the stretch is left out, so a search by it prefers what pays at once. A stretch
    of whole lives is `Backprop`.

    References: Williams & Peng (1990) doi:10.1162/neco.1990.2.4.490; Wu, Ren, Liao & Grosse (2018)
    arXiv:1803.02021 (what the bias does to a learned optimizer).
    """

    source: ClassVar[Source] = Source(
        "Williams & Peng", 1990,
        "An efficient gradient-based algorithm for on-line training of recurrent network "
        "trajectories",
        "10.1162/neco.1990.2.4.490",
    )  # fmt: skip

    def newborn(self, lives, theta, key):
        return lives.begin(theta, key)

    def onward(self, lives, theta, life, fresh, stretch, key):
        def lived(theta):
            loss, score, after = lives.advance(
                theta, renewed(lives, theta, life, fresh, key), stretch
            )
            return loss, (score, after)

        gradient, (score, after) = jax.grad(lived, has_aux=True)(theta)
        return ravel_pytree(gradient)[0], score, after
