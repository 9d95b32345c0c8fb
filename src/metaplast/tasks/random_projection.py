"""Inputs of any number, and new ones in every life."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.tasks.check import at_least
from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key


class RandomProjection(AbstractWrapper):
    r"""$x' = x R / \sqrt{n}$ with $R$ Gaussian `[inputs, size]`, drawn for every episode.

    The mean square of an input cell is kept in expectation, whatever the `size`; so the
    norm of a stimulus is kept where `size` is the number of inputs, and changes by
    $\sqrt{\mathrm{size} / n}$ otherwise. Distances are kept up to that factor.

    References: Johnson & Lindenstrauss (1984) doi:10.1090/conm/026/737400.
    """

    size: int = eqx.field(static=True)
    """Number of new inputs."""

    def __check_init__(self) -> None:
        at_least("size", self.size, 1, "give the number of inputs to project to")

    @property
    def inputs(self) -> int:
        return self.size

    @property
    def change_name(self) -> str:
        return f"{self.size} random projections"

    def change(self, episode: Episode, key: Key) -> Episode:
        projection = jax.random.normal(key, (self.task.inputs, self.size))
        projection = projection / jnp.sqrt(self.task.inputs)
        return episode._replace(
            stimuli=episode.stimuli @ projection, test_stimuli=episode.test_stimuli @ projection
        )
