"""Problems without a brain, new in every search: what a selection is trained on, in part."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.types import Key


class Bowl(NamedTuple):
    """A valley of one draw: uneven, turned, rippled, noisy, with a cliff; deepest at `goal`."""

    goal: Float[Array, " numbers"]
    steepness: Float[Array, " numbers"]
    """Of every direction; mean 1."""
    turn: Float[Array, " numbers"]
    """A unit vector, across which the directions are mirrored."""
    ripple: Float[Array, ""]
    edge: Float[Array, ""]
    """Where a cliff is, along `turn`, in units of the goal's distance from the start."""
    fall: Float[Array, ""]
    """How high it is: lives that explode, for a rule that goes too far."""
    noise: Float[Array, ""]
    """Standard deviation of a candidate's own luck, relative to the loss at the start."""
    luck: Float[Array, ""]
    """How far the goal of one generation's lives is from the goal, relative to the distance."""

    def depth(self, x: Float[Array, " numbers"], goal: Float[Array, " numbers"]):
        """The loss of `x`, were the goal there; 1 at the start (all zeros), about."""
        reach = jnp.sqrt(jnp.sum(self.goal**2) + 1e-12)
        beyond = self.fall * jax.nn.sigmoid(8 * (jnp.dot(self.turn, x) / reach - self.edge))
        apart = x - goal
        apart = apart - 2 * self.turn * jnp.dot(self.turn, apart)
        scale = jnp.mean(self.goal**2) + 1e-12
        waves = self.ripple * jnp.mean(1 - jnp.cos(2 * jnp.pi * apart))
        return jnp.mean(self.steepness * apart**2) / scale + waves + beyond

    def __call__(self, x: Float[Array, " numbers"], life: Key, own: Key) -> Float[Array, ""]:
        """The loss of one candidate in one life; `life` is the same for a whole generation."""
        reach = self.luck * jnp.sqrt(jnp.mean(self.goal**2))
        goal = self.goal + reach * jax.random.normal(life, x.shape, x.dtype)
        return self.depth(x, goal) + self.noise * jax.random.normal(own, (), x.dtype)


def drawn(numbers: int, key: Key) -> Bowl:
    """A bowl of so many numbers, in units of the first mutation size."""
    keys = jax.random.split(key, 7)
    low, high = jnp.log(0.3), jnp.log(8.0)
    distance = jnp.exp(jax.random.uniform(keys[0], (), minval=low, maxval=high))
    goal = jax.random.normal(keys[1], (numbers,))
    goal = goal * distance / jnp.sqrt(jnp.mean(goal**2))
    decades = jax.random.uniform(keys[2], (), minval=0.0, maxval=3.0)
    steepness = 10.0 ** (decades * jax.random.uniform(keys[3], (numbers,)))
    turn = jax.random.normal(keys[4], (numbers,))
    turn = turn * jnp.sign(jnp.dot(turn, goal))  # the cliff is behind the goal
    kinds = jax.random.uniform(keys[5], (4,))
    amounts = jax.random.uniform(keys[6], (4,))
    return Bowl(
        goal,
        steepness / jnp.mean(steepness),
        turn / jnp.linalg.norm(turn),
        jnp.where(kinds[0] < 0.25, 0.3 * amounts[0], 0.0),
        0.7 + amounts[1],
        jnp.where(kinds[1] < 0.5, 3.0, 0.0),
        jnp.where(kinds[2] < 0.6, 0.3 * amounts[2] ** 2, 0.0),
        jnp.where(kinds[3] < 0.8, 2 * amounts[3], 0.0),
    )
