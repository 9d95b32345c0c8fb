"""What an outer loop minimizes: the mean loss of whole lives."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.circuits import Circuit
from metaplast.lifetime import BOUND, live, scan
from metaplast.network import Genome, PlasticNetwork
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Episode, Key, State


class Score(NamedTuple):
    """What one evaluation of a genome on several lives yields."""

    loss: Float[Array, ""]
    accuracy: Float[Array, ""]
    exploded: Float[Array, ""]
    """Fraction of lives that exploded."""


class Objective(eqx.Module):
    """A genome's worth: how well networks built from it answer over their whole lives.

    The loss of an answer is the task's, of the readout times `sharpness` (a rule that
    learns by least squares answers in units of the target, where cross-entropy wants
    logits). Calling the objective lives one whole life; `begin` and `advance` let an
    estimator hold a life half-lived.

    Args:
        task: where lives come from.
        circuit: anatomy of the networks that live them.
        sharpness: units of logit per unit of readout.
        segment: moments between two checkpoints of the backward pass; memory grows with
            `moments / segment + segment`.
    """

    task: AbstractTask
    circuit: Circuit = eqx.field(static=True)
    sharpness: float = eqx.field(static=True, default=1.0)
    segment: int | None = eqx.field(static=True, default=None)

    def __call__(self, genome: Genome, key: Key) -> tuple[Float[Array, ""], Score]:
        """One life: the loss, and the score that goes with it."""
        task_key, life_key = jax.random.split(key)
        episode = self.task.sample(task_key)
        judged = _Sharpened(self.task, self.sharpness)
        life, _ = live(
            PlasticNetwork(self.circuit, genome), judged, episode, life_key, self.segment
        )
        loss = jnp.mean(life.loss)
        return loss, Score(loss, life.accuracy, life.exploded.astype(loss.dtype))

    def begin(self, genome: Genome, key: Key) -> tuple[State, Episode]:
        """A newborn and the life before it."""
        task_key, birth_key = jax.random.split(key)
        return PlasticNetwork(self.circuit, genome).born(birth_key), self.task.sample(task_key)

    def advance(
        self, genome: Genome, state: State, experience: Episode, key: Key
    ) -> tuple[Float[Array, ""], State]:
        """Live the given stretch of experience; returns its mean loss and the new state."""
        network = PlasticNetwork(self.circuit, genome)
        judged = _Sharpened(self.task, self.sharpness)

        def moment(carry, seen):
            carry, readout = network.moment(carry, seen[0], seen[1], judged, key)
            answer = jnp.where(jnp.abs(readout) < BOUND, readout, 0.0)
            return carry, judged.loss(answer, seen[1])

        state, losses = scan(moment, state, (experience.stimuli, experience.targets), self.segment)
        return jnp.mean(losses), state


class _Sharpened:
    """A task seen through the sharpness of an objective."""

    def __init__(self, task: AbstractTask, sharpness: float):
        self._task, self._sharpness = task, sharpness

    def teach(self, readout, target):
        return self._task.teach(readout, target)

    def loss(self, readout, target):
        return self._task.loss(self._sharpness * readout, target)
