"""Each life from one of several tasks."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.teaching import teach_alike
from metaplast.tasks.wrapper import answered_of, example_moments_of, name_of
from metaplast.types import Episode, Key, State


def _several(tasks: Any) -> tuple[AbstractTask, ...]:
    if not isinstance(tasks, (tuple, list)):
        raise ValueError(f"tasks = {name_of(tasks)}: expected a list of tasks; put [ ] around it")
    for number, task in enumerate(tasks):
        if not isinstance(task, AbstractTask):
            raise ValueError(
                f"tasks[{number}] = {task!r}: expected a task; give a table such as "
                '{type = "digits"}'
            )
    return tuple(tasks)


class Mixture(AbstractTask):
    """Each episode is drawn from one of `tasks`, all with the same shapes.

    Under `vmap` every task is sampled for every life and one is kept, so a mixture costs
    as much as its tasks together. All teach alike; answers are taught and judged by the first.
    """

    tasks: tuple[AbstractTask, ...] = eqx.field(converter=_several)
    weights: tuple[float, ...] | None = eqx.field(
        default=None, static=True, converter=lambda given: None if given is None else tuple(given)
    )
    """Relative frequency of each task; equal where None."""

    def __check_init__(self) -> None:
        if not self.tasks:
            raise ValueError("tasks = (): expected one task or more; give some")
        weights = (1.0,) * len(self.tasks) if self.weights is None else self.weights
        if (
            len(weights) != len(self.tasks)
            or not all(math.isfinite(w) and w >= 0 for w in weights)
            or sum(weights) <= 0
        ):
            raise ValueError(
                f"weights = {weights}: expected {len(self.tasks)} numbers of 0 or more, one for "
                "each task, not all 0; give them in the order of the tasks"
            )
        first = _sizes(self.tasks[0])
        for other in self.tasks[1:]:
            for size, (here, there) in _differences(first, _sizes(other)).items():
                raise ValueError(
                    f"tasks: {name_of(other)} has {size} = {there}, expected {here} as in "
                    f"{name_of(self.tasks[0])}; wrap one of them (RandomProjection, ClassSubset) "
                    "or make it with the same sizes"
                )
            if not _asks_alike(self.tasks[0], other):
                raise ValueError(
                    f"tasks: {name_of(other)} asks for answers at other moments than "
                    f"{name_of(self.tasks[0])}; mix tasks that ask at the same ones"
                )
            if not teach_alike(self.tasks[0], other):
                raise ValueError(
                    f"tasks: {name_of(other)} teaches otherwise than {name_of(self.tasks[0])}; "
                    "wrap the mixture (Reinforced of a Mixture), or none or all of its tasks"
                )

    @property
    def inputs(self) -> int:
        return self.tasks[0].inputs

    @property
    def classes(self) -> int:
        return self.tasks[0].classes

    @property
    def moments(self) -> int:
        return self.tasks[0].moments

    @property
    def ordered(self) -> bool:
        return any(task.ordered for task in self.tasks)

    @property
    def held_out(self) -> int:
        """Held-out examples of an episode."""
        return _sizes(self.tasks[0])["held_out"]

    @property
    def answered(self) -> Bool[np.ndarray, " moments"] | None:
        """Which moments ask for an answer, in each of the tasks; None where all do."""
        return answered_of(self.tasks[0])

    @property
    def example_moments(self) -> int:
        """Moments of a held-out example."""
        return example_moments_of(self.tasks[0])

    @property
    def name(self) -> str:
        """The names of all tasks."""
        return " | ".join(name_of(task) for task in self.tasks)

    def sample(self, key: Key) -> Episode:
        which_key, episode_key = jax.random.split(key)
        weights = jnp.ones(len(self.tasks)) if self.weights is None else jnp.asarray(self.weights)
        which = jax.random.categorical(which_key, jnp.log(weights))
        # A method of a module with arrays cannot be hashed, as `switch` wants; a lambda can.
        branches = [lambda key, task=task: task.sample(key) for task in self.tasks]
        return jax.lax.switch(which, branches, episode_key)

    def teach(self, readout, target):
        return self.tasks[0].teach(readout, target)

    def memory(self) -> State:
        return self.tasks[0].memory()

    def recalled(self, memory: State) -> AbstractTask:
        if memory is None:
            return self
        return eqx.tree_at(lambda mixture: mixture.tasks[0], self, self.tasks[0].recalled(memory))

    def remember(self, memory, readout, target) -> State:
        return self.tasks[0].remember(memory, readout, target)

    def loss(self, readout, target):
        return self.tasks[0].loss(readout, target)


def _asks_alike(one: AbstractTask, other: AbstractTask) -> bool:
    def due(task: AbstractTask) -> np.ndarray:
        asked = answered_of(task)
        return np.ones(task.moments, bool) if asked is None else np.asarray(asked)

    lasting = example_moments_of(one) == example_moments_of(other)
    return lasting and np.array_equal(due(one), due(other))


def _sizes(task: AbstractTask) -> dict[str, int]:
    episode = jax.eval_shape(task.sample, jax.random.key(0))
    return {
        "inputs": episode.stimuli.shape[1],
        "classes": task.classes,
        "moments": episode.stimuli.shape[0],
        "held_out": episode.test_stimuli.shape[0],
    }


def _differences(first: dict[str, int], other: dict[str, int]) -> dict[str, tuple[int, int]]:
    return {size: (first[size], other[size]) for size in first if first[size] != other[size]}
