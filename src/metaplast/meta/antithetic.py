"""Two lives that differ by a perturbation of theta, one way and the other."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from metaplast.meta.abstract import Evaluate, Lives, Theta, positive_spread
from metaplast.meta.descent import AbstractDescent, Estimate
from metaplast.meta.half_lived import AbstractHalfLived, renewed
from metaplast.spread import spread
from metaplast.types import Key

SIGNS = (1.0, -1.0)

Vector = Float[Array, " numbers"]


class AbstractPairs(AbstractDescent):
    """Pairs of whole lives, born alike, that meet the same experience."""

    clips_each: ClassVar[bool] = False
    spread: float = eqx.field(static=True, default=0.1)

    def __check_init__(self) -> None:
        positive_spread(self.spread)

    @property
    def copies(self) -> int:
        return 2

    @abc.abstractmethod
    def noise(self, theta: Theta, key: Key) -> Vector:
        """A perturbation of theta in units of `spread`, as a vector."""

    def estimate(self, evaluate, theta, held, key):
        def one_pair(key):
            noise_key, life_key = jax.random.split(key)
            noise = self.spread * self.noise(theta, noise_key)
            slope, score = slope_along(noise, evaluate, theta, life_key)
            return noise * slope / self.spread**2, score

        keys = jax.random.split(key, self.lives)
        return Estimate(*spread(one_pair, keys, self.width, self.copies)), held


class AbstractHeldPairs(AbstractHalfLived):
    """Pairs of half-lived lives, and of each the perturbation to which its losses are credited."""

    clips_each: ClassVar[bool] = False
    spread: float = eqx.field(static=True, default=0.1)

    def __check_init__(self) -> None:
        positive_spread(self.spread)

    @property
    def copies(self) -> int:
        return 2

    @abc.abstractmethod
    def perturbed(
        self, fresh: Bool[Array, ""], credited: Vector, drawn: Vector
    ) -> tuple[Vector, Vector]:
        """How theta is perturbed in a stretch of a life, and what its losses are credited to.

        Args:
            fresh: whether the stretch begins with a birth.
            credited: what those of the stretch before were credited to.
            drawn: a new perturbation.
        """

    def newborn(self, lives, theta, key):
        return twins(lives, theta, key), jnp.zeros_like(ravel_pytree(theta)[0])

    def onward(self, lives, theta, life, fresh, stretch, key):
        vector, unravel = ravel_pytree(theta)
        pair, credited = life
        birth_key, noise_key = jax.random.split(key)
        drawn = self.spread * jax.random.normal(noise_key, vector.shape, vector.dtype)
        noise, credited = self.perturbed(fresh, credited, drawn)
        lived = stretched(lives, unravel, fresh, stretch, birth_key)
        slope, score, pair = both_ways(lived, vector, noise, pair)
        return credited * slope / self.spread**2, score, (pair, credited)


def slope_along(
    noise: Vector, evaluate: Evaluate | Lives, theta: Theta, key: Key
) -> tuple[Float[Array, ""], Any]:
    """Half the difference of the losses of a pair of whole lives, and their mean report."""
    vector, unravel = ravel_pytree(theta)

    def lived(vector, life):
        del life
        return *evaluate(unravel(vector), key), None

    slope, score, _ = both_ways(lived, vector, noise, None)
    return slope, score


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
