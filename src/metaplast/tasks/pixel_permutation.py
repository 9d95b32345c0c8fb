"""The same images, with the inputs in another order in every life."""

from __future__ import annotations

import jax

from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key


class PixelPermutation(AbstractWrapper):
    """One permutation of the inputs for every episode, the same in life and test.

    References: Goodfellow et al. (2013) arXiv:1312.6211.
    """

    @property
    def change_name(self) -> str:
        return "pixels permuted"

    def change(self, episode: Episode, key: Key) -> Episode:
        order = jax.random.permutation(key, self.inputs)
        return episode._replace(
            stimuli=episode.stimuli[:, order], test_stimuli=episode.test_stimuli[:, order]
        )
