"""The contract of a wrapper: a task that changes the episodes of another."""

from __future__ import annotations

import abc

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Bool

from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Episode, Key, State, Teaching


class AbstractWrapper(AbstractTask):
    """A task made of another one: what is not changed is that of the inner task.

    Wrappers are tasks, so they compose. A change keeps the order and the number of moments; a
    wrapper whose change does not has an `answered` and an `example_moments` of its own.
    """

    task: AbstractTask

    @property
    def inputs(self) -> int:
        return self.task.inputs

    @property
    def classes(self) -> int:
        return self.task.classes

    @property
    def moments(self) -> int:
        return self.task.moments

    @property
    def ordered(self) -> bool:
        return self.task.ordered

    @property
    def held_out(self) -> int:
        """Held-out examples of an episode."""
        return held_out_of(self.task)

    @property
    def answered(self) -> Bool[np.ndarray, " moments"] | None:
        """Which moments ask for an answer; None where all do."""
        return answered_of(self.task)

    @property
    def example_moments(self) -> int:
        """Moments of a held-out example."""
        return example_moments_of(self.task)

    @property
    def name(self) -> str:
        """The inner task's name, and what became of it."""
        return f"{name_of(self.task)}, {self.change_name}"

    @property
    @abc.abstractmethod
    def change_name(self) -> str:
        """What a table says about the change."""

    @abc.abstractmethod
    def change(self, episode: Episode, key: Key) -> Episode:
        """Change one episode, its life and its held-out examples alike."""

    def sample(self, key: Key) -> Episode:
        episode_key, change_key = jax.random.split(key)
        return self.change(self.task.sample(episode_key), change_key)

    def teach(self, readout, target) -> Teaching:
        return self.task.teach(readout, target)

    def loss(self, readout, target):
        return self.task.loss(readout, target)

    def memory(self) -> State:
        return self.task.memory()

    def recalled(self, memory: State) -> AbstractTask:
        if memory is None:
            return self
        return eqx.tree_at(lambda wrapper: wrapper.task, self, self.task.recalled(memory))

    def remember(self, memory, readout, target) -> State:
        return self.task.remember(memory, readout, target)


def unordered(task: AbstractTask, outer: str) -> AbstractTask:
    """The task, if whoever wraps it may sort its moments or leave some of them out.

    Raises:
        ValueError: its moments have an order.
    """
    if not task.ordered:
        return task
    inside = isinstance(getattr(task, "task", None), AbstractTask)
    way = f"wrap the other way round, {outer} innermost" if inside else "wrap another task"
    raise ValueError(
        f"task: the moments of {name_of(task)} have an order, which {outer} would not keep; {way}"
    )


def name_of(task: AbstractTask) -> str:
    """A task's name; that of its class where it has none."""
    return getattr(task, "name", type(task).__name__)


def answered_of(task: AbstractTask) -> Bool[np.ndarray, " moments"] | None:
    """Which moments of a task ask for an answer, where others are for waiting; None where all do.

    Raises:
        ValueError: as many are said as the task has not.
    """
    answered = getattr(task, "answered", None)
    if answered is not None and np.shape(answered) != (task.moments,):
        raise ValueError(
            f"task: {type(task).__name__} has answered of shape {np.shape(answered)}, expected "
            f"({task.moments},), one for each of its moments; define answered in it"
        )
    return answered


def example_moments_of(task: AbstractTask) -> int:
    """Consecutive held-out stimuli that are one example, asked about in the last of them."""
    return getattr(task, "example_moments", 1)


def held_out_of(task: AbstractTask) -> int:
    """Held-out examples in each of a task's episodes, whatever its type."""
    return jax.eval_shape(task.sample, jax.random.key(0)).test_targets.shape[0]
