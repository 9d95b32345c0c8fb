"""What an outer loop minimizes: the mean loss of whole lives."""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metaplast.answers import accuracy, counted
from metaplast.circuits import Circuit
from metaplast.costs import Costs, Metered
from metaplast.kept import MEGABYTE, Kept, kept
from metaplast.learners.presented import Presentation
from metaplast.lifetime import Learner, live, memory_of, onward, residuals
from metaplast.network import Genome, PlasticNetwork
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Episode, Key

QUIET = 1e-4
"""Mean square of a readout below which it counts as no answer."""


class Score(NamedTuple):
    """What one evaluation of a genome on several lives yields."""

    loss: Float[Array, ""]
    accuracy: Float[Array, ""]
    """Of the answers that the task asks for; no number in a stretch of a life without such."""
    exploded: Float[Array, ""]
    """Fraction of lives that exploded."""
    costs: Costs | None = None
    """What the lives cost, where the objective meters them."""


class Objective(eqx.Module):
    """A genome's worth: how well networks built from it answer over their whole lives.

    The loss of an answer is the task's, of the readout times `sharpness` (a rule that
    learns by least squares answers in units of the target, where cross-entropy wants
    logits). Where `relative`, the readout is first brought to zero mean and unit deviation
    over its cells: then only the shape of an answer counts, and a search does not spend itself
    on how loud to answer. Calling the objective lives one whole life; `lives.SearchedLives` lives
    the same one in stretches, for estimators that hold it half-lived.

    Args:
        task: where lives come from.
        circuit: anatomy of the networks that live them.
        sharpness: units of logit per unit of readout.
        relative: whether answers are judged by their shape alone.
        segment: most moments between two copies of the weights that the backward pass can rely on
            (`lifetime.unroll`), by default chosen from the horizon; 0 stores everything. Weights
            are rebuilt by dividing by what each moment keeps of them: where that is half or less,
            give 2 or so, and 0 where it is next to nothing; or the derivative may be no number,
            and its life counts as lost.
        memory: megabytes that a backward pass may keep of one life; where they are too few, parts
            of it are lived twice. By default what grows with the root of the horizon (`kept`).
        episodes: episodes of a life, one after the other: the learner lives on from each to the
            next. So a life may be far longer than the episodes that a task can draw.
        presentation: how long a stimulus lasts, where that is many moments of the network.
        metered: whether the score of a life says what it cost its synapses (`costs`).
    """

    task: AbstractTask
    circuit: Circuit = eqx.field(static=True)
    sharpness: float = eqx.field(static=True, default=1.0)
    segment: int | None = eqx.field(static=True, default=None)
    relative: bool = eqx.field(static=True, default=False)
    memory: float | None = eqx.field(static=True, default=None)
    episodes: int = eqx.field(static=True, default=1)
    presentation: Presentation | None = eqx.field(static=True, default=None)
    metered: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if self.segment is not None and self.segment < 0:
            raise ValueError(
                f"segment = {self.segment}: expected 1 or more moments, or 0 for no checkpoints"
            )
        if self.episodes < 1:
            raise ValueError(f"episodes = {self.episodes}: expected 1 or more; give 1")
        if self.memory is not None and not self.memory > 0:
            raise ValueError(f"memory = {self.memory}: expected megabytes of one life, such as 32")
        if not math.isfinite(self.sharpness) or self.sharpness == 0:
            raise ValueError(
                f"sharpness = {self.sharpness}: expected a finite number other than 0; give 1.0"
            )
        if self.metered and (self.episodes > 1 or self.presentation is not None):
            raise ValueError(
                "metered = true: expected lives of one episode, of one moment a stimulus; leave "
                "out episodes and presentation, or metered"
            )

    def kept(self, learner: Learner, experience, key: Key) -> Kept | None:
        """What a backward pass keeps of a life of that length; None where it is everything."""
        if self.segment == 0:
            return None
        moments = experience[1].shape[0]
        budget = None if self.memory is None else self.memory * MEGABYTE
        return kept(moments, residuals(learner, self.task, experience, key), budget, self.segment)

    def learner(self, genome: Genome) -> Learner:
        """Who lives: a network built from a genome."""
        network = PlasticNetwork(self.circuit, genome)
        if self.metered:
            return Metered(network)
        return network if self.presentation is None else self.presentation.of(network)

    def __call__(self, genome: Genome, key: Key) -> tuple[Float[Array, ""], Score]:
        """One life: the loss, and the score that goes with it."""
        task_key, life_key = jax.random.split(key)
        if self.episodes > 1:
            return self._chained(genome, task_key, life_key)
        episode = self.task.sample(task_key)
        network = self.learner(genome)
        kept = self.kept(network, (episode.stimuli, episode.targets), life_key)
        judged = _Sharpened(self.task, self.sharpness, self.relative)
        life, state = live(network, judged, episode, life_key, *(kept or (0,)))
        loss = jnp.mean(life.loss)
        costs = Metered.costs(state) if self.metered else None
        exploded = life.exploded.astype(loss.dtype)
        return loss, Score(loss, accuracy(life, self.task), exploded, costs)

    def _chained(self, genome: Genome, task_key: Key, life_key: Key):
        birth_key, noise_key = jax.random.split(life_key)

        def lived(standing, number):
            state, *rest = standing
            begun = (state, memory_of(self.task)), *rest
            episode = self.episode(task_key, number)
            ((state, _), *rest), heard = self.onward(genome, begun, episode, noise_key)
            return (state, *rest), heard

        begin = (self.learner(genome).born(birth_key), jnp.asarray(True))
        (_, alive, _), (correct, losses) = jax.lax.scan(
            lived, (*begin, jnp.asarray(0)), jnp.arange(self.episodes)
        )
        loss = jnp.mean(losses)
        right = jnp.mean(counted(correct, self.task).astype(loss.dtype))
        return loss, Score(loss, right, (~alive).astype(loss.dtype))

    def episode(self, task_key: Key, number: Int[Array, ""]) -> Episode:
        """The experience of that number in a life."""
        only = self.episodes == 1
        return self.task.sample(task_key if only else jax.random.fold_in(task_key, number))

    def onward(self, genome: Genome, begin, experience: Episode, key: Key):
        """Live on from `((state, memory of the task), whether alive, age)` through a stretch of an
        episode; every episode begins with `lifetime.memory_of` the task.

        Returns:
            The same three afterwards, and `(correct, loss)` of every moment.
        """
        network = self.learner(genome)
        judged = _Sharpened(self.task, self.sharpness, self.relative)
        seen = (experience.stimuli, experience.targets)
        kept = self.kept(network, seen, key)
        return onward(network, judged, begin, seen, key, *(kept or (0,)))


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
