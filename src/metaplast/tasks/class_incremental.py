"""Classes that arrive one group after the other, and do not come back."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.tasks.check import at_least
from metaplast.tasks.wrapper import AbstractWrapper, name_of, unordered
from metaplast.types import Episode, Key


class ClassIncremental(AbstractWrapper):
    """The examples of the inner life, sorted into `stages`: each stage has its own classes.

    Which classes come first is drawn for every life. Within a stage the order is that of
    the inner life, so a life drawn from the same inner episode differs in order alone, and the
    difference between the two is what the order costs. Stages are as long as their classes
    are frequent. Held-out examples are of all classes: the accuracy on them is that after
    all stages, and `metaplast.bench.forgetting` says what was lost of the earlier ones.
    An inner task whose moments have an order of their own (`InSteps`, `Drifting`) is refused.

    References: McCloskey & Cohen (1989) doi:10.1016/S0079-7421(08)60536-8; van de Ven et al.
    (2022) doi:10.1038/s42256-022-00568-3.
    """

    stages: int = eqx.field(default=5, static=True)
    """Groups of classes, as equal in number as can be."""

    def __check_init__(self) -> None:
        at_least("stages", self.stages, 1, "give how many groups of classes there are")
        if self.stages > self.task.classes:
            raise ValueError(
                f"stages = {self.stages}: expected at most {self.task.classes}, the classes of "
                f"{name_of(self.task)}; give fewer"
            )

        unordered(self.task, "ClassIncremental")

    @property
    def ordered(self) -> bool:
        return self.stages > 1

    @property
    def change_name(self) -> str:
        return f"classes in {self.stages} stages"

    def change(self, episode: Episode, key: Key) -> Episode:
        place = jax.random.permutation(key, self.classes)
        stage = place * self.stages // self.classes
        order = jnp.argsort(stage[episode.targets], stable=True)
        return episode._replace(stimuli=episode.stimuli[order], targets=episode.targets[order])
