"""Two lives that differ by a perturbation of theta, one way and the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.meta.abstract import Lives, Theta
from metaplast.meta.half_lived import renewed
from metaplast.types import Key

SIGNS = (1.0, -1.0)


def twins(lives: Lives, theta: Theta, key: Key) -> Any:
    """A pair of the same newborn, leaves `[2, ...]`."""
    life = lives.begin(theta, key)
    return jax.tree.map(lambda a: jnp.stack([a, a]), life)


def both_ways(
    lived: Callable[..., tuple[Float[Array, ""], Any, Any]],
    vector: Float[Array, " numbers"],
    noise: Float[Array, " numbers"],
    pair: Any,
) -> tuple[Float[Array, ""], Any, Any]:
    """Half the difference of the two losses, the mean report, and the pair after it.

    Args:
        lived: `(vector, life) -> (loss, report, life)`.
        vector: theta.
        noise: what is added to it for one twin, and subtracted for the other.
        pair: leaves `[2, ...]`.
    """
    signs = jnp.asarray(SIGNS, vector.dtype)
    losses, scores, after = jax.vmap(lambda sign, life: lived(vector + sign * noise, life))(
        signs, pair
    )
    score = jax.tree.map(lambda leaf: jnp.mean(leaf, 0), scores)
    return (losses[0] - losses[1]) / 2, score, after


def stretched(lives: Lives, unravel, fresh, stretch: int, key: Key):
    """`lived` for `both_ways`: both twins are born of the same key and meet the same experience."""

    def lived(vector, life):
        theta = unravel(vector)
        return lives.advance(theta, renewed(lives, theta, life, fresh, key), stretch)

    return lived
