"""How far derivatives through a life can be trusted."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from metaplast.fitting import fitted
from metaplast.meta.abstract import Lives
from metaplast.spread import everywhere, spread
from metaplast.types import Key

TRUSTED = 0.9
"""Correlation of predicted and measured differences above which a derivative has a meaning."""
TINY = 1e-30


class Agreement(NamedTuple):
    """Derivatives of the mean loss up to a horizon, against differences of that loss."""

    moments: np.ndarray
    """`[horizons]`."""
    predicted: np.ndarray
    """`[lives, directions, horizons]`: what the derivative says of a step along a direction."""
    measured: np.ndarray
    """The same, half the difference of a step forth and a step back."""

    @property
    def correlation(self) -> np.ndarray:
        """Of predicted and measured differences, over lives and directions, `[horizons]`; no number
        where both are nothing but zeros, as up to a horizon whose answers no gene has touched."""
        told = self.predicted.reshape(-1, len(self.moments))
        true = self.measured.reshape(-1, len(self.moments))
        sound = np.isfinite(told) & np.isfinite(true)
        told, true = np.where(sound, told, 0.0), np.where(sound, true, 0.0)
        size = np.sqrt((told**2).sum(0) * (true**2).sum(0))
        silent = sound.any(0) & ~told.any(0) & ~true.any(0)
        return np.where(silent, np.nan, (told * true).sum(0) / np.maximum(size, TINY))

    @property
    def longest(self) -> int:
        """The longest horizon up to which no correlation is below `TRUSTED`; 0 if none."""
        below = np.flatnonzero(self.correlation < TRUSTED)
        last = below[0] if len(below) else len(self.moments)
        return int(self.moments[last - 1]) if last else 0


def agreement(
    lives: Lives, theta: Any, stretch: int, step: float, count: int, directions: int, key: Key
) -> Agreement:
    """Compare the derivative of the mean loss up to every horizon with differences of it.

    Derivatives are pushed forward, along random directions of length one a number, so that one
    pass has them for all horizons; backprop computes the same numbers.

    Args:
        lives: the objective.
        theta: where.
        stretch: moments between two horizons.
        step: length of the step along each number of theta: of the size that a search takes.
        count: lives.
        directions: of each life.
        key: of the lives and directions.
    """
    plain, stretches = lives.plain, lives.horizon // stretch
    vector, unravel = ravel_pytree(theta)
    vector = everywhere(vector)

    def losses(vector, key):
        theta = unravel(vector)

        def on(life, _):
            loss, _, life = plain.advance(theta, life, stretch)
            return life, loss

        _, heard = jax.lax.scan(on, plain.begin(theta, key), None, stretches)
        return jnp.cumsum(heard) / jnp.arange(1, stretches + 1)

    def one(item):
        key, direction = item
        _, slope = jax.jvp(lambda v: losses(v, key), (vector,), (direction,))
        both = jax.vmap(lambda sign: losses(vector + sign * step * direction, key))
        forth, back = both(jnp.asarray([1.0, -1.0], vector.dtype))
        return step * slope, (forth - back) / 2

    life_key, direction_key = jax.random.split(key)
    keys = jnp.repeat(jax.random.split(life_key, count), directions)
    drawn = jax.random.normal(direction_key, (count * directions, vector.size), vector.dtype)
    items = everywhere((keys, drawn))
    found = fitted(lambda items: spread(one, items, lives=3), (items,), (0, 0))(items)
    told, true = (np.asarray(a, np.float64).reshape(count, directions, -1) for a in found)
    return Agreement(stretch * np.arange(1, stretches + 1), told, true)


def lyapunov(lives: Lives, theta: Any, stretch: int, count: int, key: Key) -> np.ndarray:
    """The largest Lyapunov exponent of learning, per moment, over the life.

    A small difference between two learners that live the same life grows, on average, as
    $e^{\\lambda t}$; where $\\lambda > 0$, so do derivatives. The tangent begins at random and is
    brought back to length one after every stretch. It has all that a learner is born with in it:
    where some of that never changes, as fixed feedback does, the difference stays, and the exponent
    does not fall below 0 however much the rest forgets.

    Args:
        lives: the objective.
        theta: where.
        stretch: moments between two measurements.
        count: lives.
        key: of the lives and the tangents.

    Returns:
        Growth of the logarithm per moment, `[lives, stretches]`.

    References: Benettin et al. (1980) doi:10.1007/BF02128236.
    """
    plain, stretches = lives.plain, lives.horizon // stretch
    theta = everywhere(theta)

    def one(item):
        life_key, tangent_key = item
        life = plain.begin(theta, life_key)
        floats, rest = eqx.partition(life, eqx.is_inexact_array)
        vector, unravel = ravel_pytree(floats)
        drawn = jax.random.normal(tangent_key, vector.shape, vector.dtype)

        def on(carry, _):
            vector, tangent, rest = carry

            def lived(vector):
                life = eqx.combine(unravel(vector), rest)
                floats, after = eqx.partition(
                    plain.advance(theta, life, stretch)[2], eqx.is_inexact_array
                )
                return ravel_pytree(floats)[0], after

            vector, tangent, rest = jax.jvp(lived, (vector,), (tangent,), has_aux=True)
            size = jnp.linalg.norm(tangent)
            return (vector, tangent / jnp.maximum(size, TINY), rest), jnp.log(size) / stretch

        begun = (vector, drawn / jnp.linalg.norm(drawn), rest)
        return jax.lax.scan(on, begun, None, stretches)[1]

    items = everywhere(tuple(jax.random.split(key, (2, count))))
    grown = fitted(lambda items: spread(one, items), (items,), 0)(items)
    return np.asarray(grown, np.float64)
