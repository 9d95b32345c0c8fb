"""Silent inputs beside the ones that speak."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key


class Padding(AbstractWrapper):
    """Inputs that are always zero, appended until there are `size`.

    Lets tasks of different sizes meet in one mixture, without changing what they look like
    to a learner that normalizes its input.
    """

    size: int = eqx.field(static=True)
    """Number of inputs, the silent ones included."""

    def __check_init__(self) -> None:
        if self.size < self.task.inputs:
            raise ValueError(
                f"size = {self.size}: the task has {self.task.inputs} inputs; give as many or more"
            )

    @property
    def inputs(self) -> int:
        return self.size

    @property
    def change_name(self) -> str:
        return f"padded to {self.size}"

    def change(self, episode: Episode, key: Key) -> Episode:
        del key
        silent = ((0, 0), (0, self.size - self.task.inputs))
        return episode._replace(
            stimuli=jnp.pad(episode.stimuli, silent),
            test_stimuli=jnp.pad(episode.test_stimuli, silent),
        )
