"""The same classes, under other names in every life."""

from __future__ import annotations

import jax

from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key


class LabelPermutation(AbstractWrapper):
    """One permutation of the labels for every episode, the same in life and test, so that
    no search can write the classes into a rule.

    References: Kirsch et al. (2022) arXiv:2212.04458.
    """

    @property
    def change_name(self) -> str:
        return "labels permuted"

    def change(self, episode: Episode, key: Key) -> Episode:
        renamed = jax.random.permutation(key, self.classes)
        return episode._replace(
            targets=renamed[episode.targets], test_targets=renamed[episode.test_targets]
        )
