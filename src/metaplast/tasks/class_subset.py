"""Fewer classes, and other ones in every life."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.check import at_least
from metaplast.tasks.teaching import plainly_taught
from metaplast.tasks.with_moments import with_moments
from metaplast.tasks.wrapper import held_out_of, name_of, unordered
from metaplast.types import Episode, Key


class ClassSubset(AbstractTask):
    """Lives with a random `classes` of the inner task's classes, renumbered in order.

    The shapes are fixed: a longer life of the inner task is drawn, and the examples of
    the chosen classes are kept in their order. Where they do not suffice, they come
    again from the first one on; held-out examples do so as a rule, which weighs some of
    them twice.
    """

    task: AbstractTask
    """The inner task; here with lives long enough to choose from."""
    classes: int = eqx.field(static=True)
    moments: int = eqx.field(static=True)

    def __init__(self, task: AbstractTask, classes: int, moments: int | None = None) -> None:
        """Wrap `task`.

        Args:
            task: where the examples come from.
            classes: how many of its classes a life has.
            moments: length of a life, by default that of the inner task.

        Raises:
            ValueError: where there are not that many classes, or where the inner task teaches in
                a way of its own, of its own classes, or its moments have an order.
        """
        self.classes = at_least("classes", classes, 1, "give how many classes a life has")
        self.moments = at_least(
            "moments", task.moments if moments is None else moments, 1, "give the length of a life"
        )
        if classes > task.classes:
            raise ValueError(
                f"classes = {classes}: expected at most {task.classes}, the classes of "
                f"{name_of(task)}; give fewer"
            )
        plainly_taught(task, "ClassSubset")
        unordered(task, "ClassSubset")
        # A third more than needed on average, and some to spare for short lives.
        share = -(-self.moments * task.classes // classes)
        longer = share if classes == task.classes else share + share // 3 + 4 * task.classes
        self.task = with_moments(task, longer)

    @property
    def inputs(self) -> int:
        return self.task.inputs

    @property
    def held_out(self) -> int:
        """Held-out examples of an episode."""
        return held_out_of(self.task)

    @property
    def name(self) -> str:
        """The inner task's name, and how many classes are left."""
        return f"{name_of(self.task)}, {self.classes} of {self.task.classes} classes"

    def sample(self, key: Key) -> Episode:
        episode_key, class_key = jax.random.split(key)
        episode = self.task.sample(episode_key)
        chosen = self._chosen(episode, class_key)
        renumbered = jnp.cumsum(chosen) - 1
        life = _kept(chosen[episode.targets], self.moments)
        test = _kept(chosen[episode.test_targets], episode.test_targets.shape[0])
        return Episode(
            episode.stimuli[life], renumbered[episode.targets[life]],
            episode.test_stimuli[test], renumbered[episode.test_targets[test]],
        )  # fmt: skip

    def _chosen(self, episode: Episode, key: Key) -> Bool[Array, " all_classes"]:
        """A random subset, in which classes that the episode lacks come last."""
        absent = jnp.zeros(self.task.classes)
        in_life = absent.at[episode.targets].set(1.0)
        in_test = absent.at[episode.test_targets].set(1.0)
        score = jax.random.uniform(key, absent.shape) + in_life + 2.0 * in_test
        order = jnp.argsort(-score)
        return jnp.zeros(self.task.classes, bool).at[order[: self.classes]].set(True)


def _kept(wanted: Bool[Array, " examples"], count: int) -> Int[Array, " count"]:
    """Positions of `count` wanted examples in their order, from the first again where they end."""
    order = jnp.argsort(~wanted, stable=True)
    return order[jnp.arange(count) % jnp.maximum(jnp.sum(wanted), 1)]
