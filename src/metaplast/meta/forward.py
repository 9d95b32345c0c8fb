"""Forward mode: tangents that are carried through learning."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from metaplast.meta.half_lived import AbstractHalfLived, renewed
from metaplast.source import Source


class Forward(AbstractHalfLived):
    """The exact gradient, forward: every number of theta has a tangent that lives with the learner.

    Nothing is stored of the past, so a life may be as long as it likes, and be cut into stretches
    without bias. Time and memory are those of a life times the numbers of theta: for small
    genomes. Where theta moves between stretches, tangents are those of where it was.

    References: Williams & Zipser (1989) doi:10.1162/neco.1989.1.2.270 (real-time recurrent
    learning); Franceschi, Donini, Frasconi & Pontil (2017) arXiv:1703.01785 (of hyperparameters).
    """

    source: ClassVar[Source] = Source(
        "Williams & Zipser", 1989,
        "A learning algorithm for continually running fully recurrent neural networks",
        "10.1162/neco.1989.1.2.270",
    )  # fmt: skip

    def newborn(self, lives, theta, key):
        life = lives.begin(theta, key)
        numbers = ravel_pytree(theta)[0].size
        floats = eqx.filter(life, eqx.is_inexact_array)
        return life, jax.tree.map(lambda a: jnp.zeros((numbers, *a.shape), a.dtype), floats)

    def onward(self, lives, theta, life, fresh, stretch, key):
        lives = lives.plain
        vector, unravel = ravel_pytree(theta)
        life, tangents = life
        floats, rest = eqx.partition(life, eqx.is_inexact_array)

        def lived(vector, floats):
            theta = unravel(vector)
            begun = renewed(lives, theta, eqx.combine(floats, rest), fresh, key)
            loss, score, after = lives.advance(theta, begun, stretch)
            floats, others = eqx.partition(after, eqx.is_inexact_array)
            return (loss, floats), (score, others)

        def along(direction, tangent):
            (_, floats), (slope, tangent), (score, others) = jax.jvp(
                lived, (vector, floats_now), (direction, tangent), has_aux=True
            )
            return slope, tangent, score, eqx.combine(floats, others)

        floats_now = floats
        every = jax.vmap(along, out_axes=(0, 0, None, None))
        gradient, tangents, score, after = every(jnp.eye(vector.size, dtype=vector.dtype), tangents)
        return gradient, score, (after, tangents)
