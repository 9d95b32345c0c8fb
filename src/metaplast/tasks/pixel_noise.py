"""The same examples, seen through noise."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key


class PixelNoise(AbstractWrapper):
    """Independent Gaussian noise on every input of every example, in life and test."""

    level: float = eqx.field(static=True)
    """Standard deviation, in the units of the stimuli."""

    def __check_init__(self) -> None:
        if not 0 <= self.level < float("inf"):
            raise ValueError(
                f"level = {self.level}: expected a finite number of 0 or more; give one"
            )

    @property
    def change_name(self) -> str:
        return f"noise {self.level:g}"

    def change(self, episode: Episode, key: Key) -> Episode:
        stimuli = jnp.concatenate([episode.stimuli, episode.test_stimuli])
        stimuli = stimuli + self.level * jax.random.normal(key, stimuli.shape, stimuli.dtype)
        return episode._replace(
            stimuli=stimuli[: self.moments], test_stimuli=stimuli[self.moments :]
        )
