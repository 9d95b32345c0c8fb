"""The contract of a wrapper: a task that changes the episodes of another."""

from __future__ import annotations

import abc

import equinox as eqx
import jax

from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Episode, Key, State, Teaching


class AbstractWrapper(AbstractTask):
    """A task made of another one: what is not changed is that of the inner task.

    Wrappers are tasks, so they compose.
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


def held_out_of(task: AbstractTask) -> int:
    """Held-out examples in each of a task's episodes, whatever its type."""
    return jax.eval_shape(task.sample, jax.random.key(0)).test_targets.shape[0]
