"""The same examples, seen through noise."""

from __future__ import annotations

import equinox as eqx
import jax

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
        life_key, test_key = jax.random.split(key)
        return episode._replace(
            stimuli=self._noisy(episode.stimuli, life_key),
            test_stimuli=self._noisy(episode.test_stimuli, test_key),
        )

    def _noisy(self, stimuli, key: Key):
        return stimuli + self.level * jax.random.normal(key, stimuli.shape, stimuli.dtype)
