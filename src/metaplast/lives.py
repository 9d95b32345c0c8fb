"""The lives of an objective, as an outer loop wants them: whole, or piece by piece."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from metaplast.lifetime import memory_of
from metaplast.meta.abstract import Evaluate, Lives
from metaplast.meta.stretches import divisors
from metaplast.network import Genome
from metaplast.objective import Objective, Score
from metaplast.tasks.wrapper import answered_of
from metaplast.types import Episode, Key, State


class HalfLived(NamedTuple):
    """A life between two stretches of it. Its experience is drawn anew from the key whenever it
    lives on, for it may be much larger than the learner."""

    state: State
    alive: Bool[Array, ""]
    age: Int[Array, ""]
    """Moments that it lived; they end with the explosion, if there is one."""
    moment: Int[Array, ""]
    """Where in its experience it stands."""
    key: Key
    memory: State = None
    """What the task remembers (`AbstractTask.memory`); None where it never does."""


class SearchedLives(NamedTuple):
    """Lives of networks built from the searchable leaves of a genome.

    To live a life in stretches is to live it whole: same birth, same experience, same noise.
    """

    objective: Objective
    fixed: Genome
    """The leaves that are not searched."""

    @property
    def horizon(self) -> int:
        """Moments of a whole life."""
        return self.objective.episodes * self._episode

    @property
    def stretches(self) -> list[int]:
        """Even parts of an episode, and as many whole episodes as divide a life."""
        parts, whole = divisors(self._episode), divisors(self.objective.episodes)
        return parts + [self._episode * episodes for episodes in whole[1:]]

    @property
    def _episode(self) -> int:
        """Moments of an episode."""
        return self.objective.task.moments  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def plain(self) -> SearchedLives:
        """Without the derivative that only runs backward."""
        return self._replace(objective=dataclasses.replace(self.objective, segment=0))

    def __call__(self, theta: Any, key: Key) -> tuple[Float[Array, ""], Score]:
        return self.objective(self._genome(theta), key)

    def begin(self, theta: Any, key: Key) -> HalfLived:
        """A newborn."""
        birth_key, _ = jax.random.split(jax.random.split(key)[1])
        state = self.objective.learner(self._genome(theta)).born(birth_key)
        zero = jnp.asarray(0, jnp.int32)
        memory = memory_of(self.objective.task)
        return HalfLived(state, jnp.asarray(True), zero, zero, key, memory)

    def advance(
        self, theta: Any, life: HalfLived, moments: int
    ) -> tuple[Float[Array, ""], Score, HalfLived]:
        """Live the next moments: whole episodes, or an even part of one.

        Raises:
            ValueError: the part is not even.
        """
        if moments > self._episode and moments % self._episode == 0:
            return self._through(theta, life, moments // self._episode)
        if self._episode % moments:
            raise ValueError(
                f"stretch = {moments}: neither divides the {self._episode} moments of an episode, "
                f"nor is a multiple of them; give {self._episode} or an even part of it"
            )
        task_key, life_key = jax.random.split(life.key)
        _, noise_key = jax.random.split(life_key)
        number, at = life.moment // self._episode, life.moment % self._episode
        experience = _part(self.objective.episode(task_key, number), at, moments)
        begun = (life.state, self._memory(life, at)), life.alive, life.age
        ((state, memory), alive, age), (correct, losses) = self.objective.onward(
            self._genome(theta), begun, experience, noise_key
        )
        loss = jnp.mean(losses)
        accuracy = self._accuracy(correct.astype(loss.dtype), at)
        score = Score(loss, accuracy, (~alive).astype(loss.dtype))
        moment = life.moment + moments
        return loss, score, HalfLived(state, alive, age, moment, life.key, memory)

    def _memory(self, life: HalfLived, at: Int[Array, ""]) -> State:
        """What the task remembers at a moment of an episode; every episode begins without."""
        none = memory_of(self.objective.task)
        return jax.tree.map(lambda none, now: jnp.where(at == 0, none, now), none, life.memory)

    def _accuracy(self, correct: Float[Array, " moments"], at: Int[Array, ""]):
        """That of a stretch which begins at a moment of an episode; no number where it asks for no
        answer, which a mean over lives leaves out."""
        asked = answered_of(self.objective.task)
        if asked is None:
            return jnp.mean(correct)
        now = jax.lax.dynamic_slice_in_dim(jnp.asarray(asked), at, correct.shape[0])
        return jnp.sum(correct * now) / jnp.sum(now)

    def _through(self, theta: Any, life: HalfLived, episodes: int):
        """Live the next whole episodes."""

        def on(life, _):
            loss, score, life = self.advance(theta, life, self._episode)
            return life, (loss, score)

        life, (losses, scores) = jax.lax.scan(on, life, None, episodes)
        loss = jnp.mean(losses)
        return loss, Score(loss, jnp.mean(scores.accuracy), scores.exploded[-1]), life

    def _genome(self, theta: Any) -> Genome:
        return eqx.combine(theta, self.fixed)


def lives_of(objective: Evaluate | Objective, fixed: Any) -> Evaluate | Lives:
    """What a meta-optimizer is given: lives that can be cut, where the objective's can."""
    if isinstance(objective, Objective) and hasattr(objective.task, "moments"):
        return SearchedLives(objective, fixed)
    return lambda theta, key: objective(eqx.combine(theta, fixed), key)


def _part(episode: Episode, begin: Int[Array, ""], moments: int) -> Episode:
    """The stretch of an episode that begins at a moment."""
    stimuli, targets = (
        jax.lax.dynamic_slice_in_dim(a, begin, moments) for a in (episode.stimuli, episode.targets)
    )
    return episode._replace(stimuli=stimuli, targets=targets)
