"""Lives whose birth and experience are drawn beforehand, so that only living them is timed."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.lifetime import memory_of
from metaplast.network import Genome
from metaplast.objective import Objective
from metaplast.types import Episode, Key, State


def drawn(objective: Objective, genome: Genome, key: Key) -> tuple[State, Episode]:
    """A newborn and the episode before it."""
    task_key, birth_key = jax.random.split(key)
    return objective.learner(genome).born(birth_key), objective.task.sample(task_key)


def loss_of(
    objective: Objective, genome: Genome, state: State, episode: Episode, key: Key
) -> Float[Array, ""]:
    """Mean loss of living that episode."""
    begin = (state, memory_of(objective.task)), jnp.asarray(True), jnp.asarray(0)
    _, (_, losses) = objective.onward(genome, begin, episode, key)
    return jnp.mean(losses)
