"""One example, many moments: for networks that live in time."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from metaplast.tasks.check import at_least
from metaplast.tasks.teaching import plainly_taught
from metaplast.tasks.wrapper import (
    AbstractWrapper,
    answered_of,
    example_moments_of,
    held_out_of,
    name_of,
)
from metaplast.types import Episode, Key


class InSteps(AbstractWrapper):
    """Each stimulus cut into `steps` equal parts that come in consecutive moments.

    For stimuli in which time comes first: those of `RateCode` and `LatencyCode`, event
    frames. Who must have answered when, says `asked`:

    - `last`: in the last step. Before it the right answer is to wait, a class of its own
      behind those of the inner task, and one more input, the last, is 1 when the answer is due.
      Of all moments a fraction of (steps - 1) / steps is waiting: read
      `life.correct[..., task.answered]` instead of the mean over a life.
    - `every`: in each step the inner target. The learner is told it after the first step
      of an example already, so whoever repeats what it was told last is right in
      (steps - 1) / steps of all moments without looking. A search would find that; this is
      for learners that are known not to.

    Held-out examples come in steps as well, and `predict` answers each step as if it came
    alone; `metaplast.bench.trials` lets a learner with memory live them in order.
    """

    steps: int = eqx.field(default=8, static=True)
    """Moments of an example."""
    asked: Literal["last", "every"] = eqx.field(default="last", static=True)

    def __check_init__(self) -> None:
        at_least("steps", self.steps, 1, "give the number of moments of an example")
        if self.task.inputs % self.steps:
            raise ValueError(
                f"steps = {self.steps}: {name_of(self.task)} has {self.task.inputs} inputs, which "
                "are not as many equal parts; give a divisor, or encode the task in that many bins"
            )
        if self.asked not in ("last", "every"):
            raise ValueError(f"asked = {self.asked!r}: expected 'last' or 'every'; give one")
        if self.asked == "last":
            plainly_taught(self.task, "InSteps")
        elif example_moments_of(self.task) > 1:
            raise ValueError(
                f"task: {name_of(self.task)} is asked in the last of its own steps, and the class "
                "would be told after the first part of that one; give asked = 'last'"
            )
        elif self.task.memory() is not None:
            raise ValueError(
                f"task: {name_of(self.task)} remembers its own moments, and would count steps for "
                "such; wrap the other way round, InSteps innermost"
            )

    @property
    def inputs(self) -> int:
        return self.task.inputs // self.steps + (self.asked == "last")

    @property
    def classes(self) -> int:
        return self.task.classes + (self.asked == "last")

    @property
    def moments(self) -> int:
        return self.task.moments * self.steps

    @property
    def ordered(self) -> bool:
        return self.steps > 1 or self.task.ordered

    @property
    def held_out(self) -> int:
        """Held-out moments of an episode: those of all steps."""
        return held_out_of(self.task) * self.steps

    @property
    def change_name(self) -> str:
        return f"{self.steps} steps each, asked in {'the last' if self.asked == 'last' else 'all'}"

    @property
    def answered(self) -> Bool[np.ndarray, " moments"]:
        """Which moments ask for a class of the inner task."""
        due = np.arange(self.moments) % self.steps == self.steps - 1
        due = due if self.asked == "last" else np.ones_like(due)
        inner = answered_of(self.task)
        return due if inner is None else due & np.repeat(inner, self.steps)

    @property
    def example_moments(self) -> int:
        """Moments of a held-out example: its steps, if it is asked about in the last of them."""
        return example_moments_of(self.task) * self.steps if self.asked == "last" else 1

    def change(self, episode: Episode, key: Key) -> Episode:
        del key
        return Episode(
            self._cut(episode.stimuli), self._spread(episode.targets),
            self._cut(episode.test_stimuli), self._spread(episode.test_targets),
        )  # fmt: skip

    def teach(self, readout, target):
        # The inner task may not know of waiting, so a task of more classes teaches plainly.
        if self.asked == "last":
            return super(AbstractWrapper, self).teach(readout, target)
        return self.task.teach(readout, target)

    def _cut(self, stimuli: Float[Array, "examples whole"]) -> Float[Array, "moments inputs"]:
        parts = stimuli.reshape(stimuli.shape[0], self.steps, -1)
        if self.asked == "last":
            due = jnp.zeros((*parts.shape[:2], 1)).at[:, -1].set(1.0)
            parts = jnp.concatenate([parts, due], axis=-1)
        return parts.reshape(-1, self.inputs)

    def _spread(self, targets: Int[Array, " examples"]) -> Int[Array, " moments"]:
        spread = jnp.repeat(targets[:, None], self.steps, axis=1)
        if self.asked == "last":
            spread = spread.at[:, :-1].set(self.task.classes)
        return spread.reshape(-1)
