"""Procedural classes: mixtures of Gaussians in a new world for every life."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.source import OWN, Source
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.check import at_least
from metaplast.types import Episode, Key


class World(NamedTuple):
    """What distinguishes one life's classes."""

    centers: Float[Array, "classes modes inputs"]
    shared: Float[Array, "inputs rank"]
    """Directions in which all classes vary together."""
    own: Float[Array, " inputs"]
    """Standard deviation of each input's independent noise."""


class Clusters(AbstractTask):
    """Each class is a mixture of Gaussians with a shared random covariance, low-rank plus
    diagonal; some inputs carry noise only.

    An input has about unit variance. Centers, covariance and which inputs are
    irrelevant are drawn anew for every episode, so no life can profit from another.
    """

    source: ClassVar[Source] = OWN
    inputs: int = eqx.field(default=64, static=True)
    classes: int = eqx.field(default=10, static=True)
    moments: int = eqx.field(default=300, static=True)
    held_out: int = eqx.field(default=200, static=True)
    modes: int = eqx.field(default=2, static=True)
    """Gaussians in each class: more than one makes the classes inseparable by lines."""
    spread: float = eqx.field(default=2.0, static=True)
    """Standard deviation of the noise, in units of that of the centers."""
    nuisance: int = eqx.field(default=16, static=True)
    """Inputs that say nothing about the class."""
    rank: int = eqx.field(default=8, static=True)
    """Directions of correlated noise."""
    name: str = eqx.field(default="clusters", static=True)

    def __check_init__(self) -> None:
        for argument in ("inputs", "classes", "moments", "held_out", "modes", "rank"):
            at_least(argument, getattr(self, argument), 1, "give a larger one")
        at_least("nuisance", self.nuisance, 0, "give a larger one")
        if self.nuisance >= self.inputs:
            raise ValueError(
                f"nuisance = {self.nuisance}: expected fewer than the {self.inputs} inputs, or no "
                "input says anything about the class; give fewer"
            )
        if not 0 <= self.spread < float("inf"):
            raise ValueError(
                f"spread = {self.spread}: expected a finite number of 0 or more; give one"
            )

    def sample(self, key: Key) -> Episode:
        world_key, kind_key, noise_key = jax.random.split(key, 3)
        world = self.world(world_key)
        count = self.moments + self.held_out
        kinds = jax.random.randint(kind_key, (count,), 0, self.classes * self.modes)
        targets, modes = jnp.divmod(kinds, self.modes)
        together, alone = jnp.split(
            jax.random.normal(noise_key, (count, self.rank + self.inputs)), [self.rank], axis=1
        )
        noise = together @ world.shared.T + alone * world.own
        stimuli = world.centers[targets, modes] + self.spread * noise
        stimuli = stimuli / jnp.sqrt(1.0 + self.spread**2)
        here = self.moments
        return Episode(stimuli[:here], targets[:here], stimuli[here:], targets[here:])

    def world(self, key: Key) -> World:
        """Draw centers, covariance and irrelevant inputs."""
        place_key, normal_key = jax.random.split(key)
        relevant = jax.random.permutation(place_key, jnp.arange(self.inputs) >= self.nuisance)
        # One draw for all three, for each draw costs half a second of compilation.
        rows = self.classes * self.modes
        normal = jax.random.normal(normal_key, (rows + self.rank + 1, self.inputs))
        centers = normal[:rows].reshape(self.classes, self.modes, self.inputs)
        return World(
            centers * relevant,
            normal[rows:-1].T / jnp.sqrt(2.0 * self.rank),
            # Log-normal with mean square 1/2: together with `shared`, unit variance.
            jnp.sqrt(0.5) * jnp.exp(0.5 * normal[-1] - 0.25),
        )
