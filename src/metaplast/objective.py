"""What an outer loop minimizes: the mean loss of whole lives."""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.circuits import Circuit
from metaplast.lifetime import live, unroll
from metaplast.network import Genome, PlasticNetwork
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Episode, Key, State

QUIET = 1e-4
"""Mean square of a readout below which it counts as no answer."""


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
    logits). Where `relative`, the readout is first brought to zero mean and unit deviation
    over its cells: then only the shape of an answer counts, and a search does not spend itself
    on how loud to answer. Calling the objective lives one whole life; `begin` and `advance`
    let an estimator hold a life half-lived.

    Args:
        task: where lives come from.
        circuit: anatomy of the networks that live them.
        sharpness: units of logit per unit of readout.
        relative: whether answers are judged by their shape alone.
        segment: moments between two copies of the weights that the backward pass can rely on
            (`lifetime.unroll`), by default the square root of the horizon; 0 stores everything.
    """

    task: AbstractTask
    circuit: Circuit = eqx.field(static=True)
    sharpness: float = eqx.field(static=True, default=1.0)
    segment: int | None = eqx.field(static=True, default=None)
    relative: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if self.segment is not None and self.segment < 0:
            raise ValueError(
                f"segment = {self.segment}: expected 1 or more moments, or 0 for no checkpoints"
            )

    def _segment(self, moments: int) -> int | None:
        """Moments in a segment of a life of that length, as `lifetime.scan` takes them."""
        return max(1, round(math.sqrt(moments))) if self.segment is None else self.segment or None

    def __call__(self, genome: Genome, key: Key) -> tuple[Float[Array, ""], Score]:
        """One life: the loss, and the score that goes with it."""
        task_key, life_key = jax.random.split(key)
        episode = self.task.sample(task_key)
        judged = _Sharpened(self.task, self.sharpness, self.relative)
        life, _ = live(
            PlasticNetwork(self.circuit, genome),
            judged,
            episode,
            life_key,
            self._segment(episode.targets.shape[0]),
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
        (state, _, _), (_, losses) = unroll(
            PlasticNetwork(self.circuit, genome),
            _Sharpened(self.task, self.sharpness, self.relative),
            (state, jnp.asarray(True), jnp.asarray(0)),
            (experience.stimuli, experience.targets),
            key,
            self._segment(experience.targets.shape[0]),
        )
        return jnp.mean(losses), state


class _Sharpened(eqx.Module):
    """A task seen through the sharpness of an objective."""

    task: AbstractTask
    sharpness: float
    relative: bool

    def teach(self, readout, target):
        return self.task.teach(readout, target)

    def memory(self):
        return self.task.memory()

    def recalled(self, memory):
        return _Sharpened(self.task.recalled(memory), self.sharpness, self.relative)

    def remember(self, memory, readout, target):
        return self.task.remember(memory, readout, target)

    def loss(self, readout, target):
        if self.relative:
            surplus = readout - jnp.mean(readout)
            readout = surplus * jax.lax.rsqrt(jnp.mean(surplus**2) + QUIET)
        return self.task.loss(self.sharpness * readout, target)
