"""What an outer loop minimizes where what it searches is a learner: the loss of its lives."""

from __future__ import annotations

import math
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.answers import accuracy, right
from metaplast.lifetime import Learner, live
from metaplast.objective import Score
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.wrapper import example_moments_of
from metaplast.types import Key


class LearnerLoss(eqx.Module):
    """A learner's worth, as `objective.Objective` has it for the genome of a circuit.

    Some families of rules cannot be told from the network they live in: what is searched is then
    the learner itself, with all its array leaves.

    Args:
        task: where lives come from.
        when: `life`, the mean loss of all answers before they were learned; or `end`, that of the
            held-out examples after life, which is what the few-shot literature minimizes.
        segment: moments between two states that the backward pass keeps, by default the square
            root of the horizon; 0 keeps all.
    """

    task: AbstractTask
    when: Literal["life", "end"] = eqx.field(static=True, default="end")
    segment: int | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        if self.when not in ("life", "end"):
            raise ValueError(f"when = {self.when!r}: expected 'life' or 'end'; give one")
        if self.segment is not None and self.segment < 0:
            raise ValueError(
                f"segment = {self.segment}: expected 1 or more moments, or 0 for no checkpoints"
            )

    def __call__(self, learner: Learner, key: Key) -> tuple[Float[Array, ""], Score]:
        """One life: the loss, and the score that goes with it."""
        task_key, life_key = jax.random.split(key)
        episode = self.task.sample(task_key)
        kept = round(math.sqrt(episode.targets.shape[0])) if self.segment is None else self.segment
        life, state = live(learner, self.task, episode, life_key, kept)
        if self.when == "life":
            loss, share = jnp.mean(life.loss), accuracy(life, self.task)
        else:
            answers = jax.vmap(lambda x: learner.predict(state, x))(episode.test_stimuli)
            # The dead name nothing, and their loss is that of a flat readout, as in life.
            named = right(answers, episode.test_targets) & ~life.exploded
            answers = jnp.where(life.exploded, 0.0, answers)
            loss = jnp.mean(jax.vmap(self.task.loss)(answers, episode.test_targets))
            steps = example_moments_of(self.task)
            share = jnp.mean(named[steps - 1 :: steps].astype(loss.dtype))
        return loss, Score(loss, share, life.exploded.astype(loss.dtype))
