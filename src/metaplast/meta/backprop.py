"""Backprop through whole lifetimes."""

from __future__ import annotations

from typing import ClassVar

import jax
from jax.flatten_util import ravel_pytree

from metaplast.meta.descent import AbstractDescent, Estimate
from metaplast.source import Source
from metaplast.spread import spread


class Backprop(AbstractDescent):
    """Gradient descent on the loss of `lives` lives, differentiated through every moment.

    Exact: its only error is that of drawing lives. Each life has a gradient of its own: one that
    is not finite is left out, and one that is longer than `clip` is scaled down, so that no life
    spoils the others'.

    References: Bengio, Bengio & Cloutier (1991) doi:10.1109/IJCNN.1991.155621;
    Andrychowicz et al. (2016) NeurIPS.
    """

    source: ClassVar[Source] = Source(
        "Bengio, Bengio & Cloutier", 1991, "Learning a synaptic learning rule",
        "10.1109/IJCNN.1991.155621",
    )  # fmt: skip

    def estimate(self, evaluate, theta, held, key):
        def one_life(key):
            gradient, score = jax.grad(evaluate, has_aux=True)(theta, key)
            return ravel_pytree(gradient)[0], score

        found = spread(one_life, jax.random.split(key, self.lives), self.width)
        return Estimate(*found), held
