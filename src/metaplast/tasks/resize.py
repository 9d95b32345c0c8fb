"""Square images at another resolution."""

from __future__ import annotations

import math

import equinox as eqx
import jax

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.check import at_least
from metaplast.tasks.in_steps import InSteps
from metaplast.tasks.latency_code import LatencyCode
from metaplast.tasks.on_off import OnOff
from metaplast.tasks.padding import Padding
from metaplast.tasks.random_projection import RandomProjection
from metaplast.tasks.rate_code import RateCode
from metaplast.tasks.wrapper import AbstractWrapper, name_of
from metaplast.types import Episode, Key

NO_PICTURES = (InSteps, LatencyCode, OnOff, Padding, RandomProjection, RateCode)
"""Tasks that make something else of a picture than a picture, where they change its inputs."""


class Resize(AbstractWrapper):
    """Square images of one channel, resampled linearly to `size` x `size` pixels.

    Antialiased where it shrinks, so that shrinking by a whole factor keeps the mean of
    an image away from its border.
    """

    size: int = eqx.field(static=True)
    """Side of the new image in pixels."""

    def __check_init__(self) -> None:
        at_least("size", self.size, 1, "give the side of the new image in pixels")
        inner: AbstractTask = self.task
        while isinstance(inner, AbstractWrapper):
            if isinstance(inner, NO_PICTURES) and inner.inputs != inner.task.inputs:
                raise ValueError(
                    f"task: the inputs of {name_of(inner)} are no picture; wrap the other way "
                    f"round, Resize inside of {type(inner).__name__}"
                )
            inner = inner.task
        if math.isqrt(self.task.inputs) ** 2 != self.task.inputs:
            raise ValueError(
                f"task: {name_of(self.task)} has {self.task.inputs} inputs, expected square images "
                "such as 28 x 28; use RandomProjection for other inputs"
            )

    @property
    def inputs(self) -> int:
        return self.size**2

    @property
    def change_name(self) -> str:
        return f"{self.size} x {self.size} pixels"

    def change(self, episode: Episode, key: Key) -> Episode:
        return episode._replace(
            stimuli=self._resized(episode.stimuli), test_stimuli=self._resized(episode.test_stimuli)
        )

    def _resized(self, stimuli):
        side = math.isqrt(self.task.inputs)
        images = stimuli.reshape(-1, side, side)
        new = jax.image.resize(images, (images.shape[0], self.size, self.size), "linear")
        return new.reshape(-1, self.inputs)
