"""What an experimenter has of a plastic network: stimuli, activity, and perhaps weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metaplast.inference.trajectory import Trajectory, trajectory
from metaplast.network import NetworkState, PlasticNetwork
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Key


class Recordings(NamedTuple):
    """Several recordings of networks with the same rule, all of one length.

    The weights at the beginning are part of a recording (`born`): from activity alone, they
    and the rule are rarely both to be had.
    """

    born: NetworkState
    """States at the beginning, with a leading axis of recordings."""
    stimuli: Float[Array, "recordings moments inputs"]
    targets: Int[Array, "recordings moments"]
    """What the task taught; zeros where it taught nothing."""
    seen: Trajectory
    """Activity by population and weights by projection, with noise; either may be empty."""


def record(
    network: PlasticNetwork,
    task: AbstractTask,
    populations: Sequence[str],
    projections: Sequence[str],
    count: int,
    key: Key,
    activity_noise: float = 0.0,
    weight_noise: float = 0.0,
) -> Recordings:
    """Record a network whose rule is known, for checking what could be inferred of it.

    Args:
        network: who lives.
        task: what it lives; each recording has an episode and a birth of its own.
        populations: whose activity is recorded, by name.
        projections: whose weights are recorded after every moment; none for activity only.
        count: how many recordings.
        key: of births, episodes and noise.
        activity_noise, weight_noise: standard deviation of what the recording adds. The
            network does not feel it.

    Raises:
        ValueError: the circuit has no population, or no projection with weights, of that name.
    """

    def one(key):
        birth, episode_key, noise = jax.random.split(key, 3)
        born, episode = network.born(birth), task.sample(episode_key)
        seen = trajectory(
            network, task, born, episode.stimuli, episode.targets,
            tuple(populations), tuple(projections),
        )  # fmt: skip
        activity_key, weight_key = jax.random.split(noise)
        return Recordings(
            born, episode.stimuli, episode.targets,
            Trajectory(
                _noisy(seen.activity, activity_noise, activity_key),
                _noisy(seen.weights, weight_noise, weight_key),
            ),
        )  # fmt: skip

    return jax.jit(jax.vmap(one))(jax.random.split(key, count))


def _noisy(tree: dict[str, Array], deviation: float, key: Key) -> dict[str, Array]:
    return {
        name: value
        + deviation * jax.random.normal(jax.random.fold_in(key, place), jnp.shape(value))
        for place, (name, value) in enumerate(sorted(tree.items()))
    }
