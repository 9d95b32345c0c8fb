"""Held-out examples that take several moments, lived in order by learners with a memory."""

from __future__ import annotations

import jax
from jaxtyping import Array, Float

from metaplast.lifetime import Learner
from metaplast.tasks.in_steps import InSteps
from metaplast.types import Episode, Key, State


def trials(
    learner: Learner, state: State, task: InSteps, episode: Episode, key: Key
) -> Float[Array, "examples classes"]:
    """Answers to the held-out examples of `InSteps`, each given in its last step.

    Every example is lived from the same state, that at the end of a life, and what is learned
    in it is forgotten with it: before the last step the learner is taught to wait, which
    tells nothing of the class, and the answer is taken before the lesson of the last.

    Args:
        learner: who answers.
        state: its state at the end of the life.
        task: the task that was lived, asked in the `last` step.
        episode: its episode.
        key: noise.

    Raises:
        ValueError: where the task tells the class before the last step.
    """
    if task.asked != "last":
        raise ValueError(
            f"task: asked = {task.asked!r} tells the class before the last step, expected 'last'; "
            "live it so"
        )
    stimuli = episode.test_stimuli.reshape(-1, task.steps, task.inputs)
    targets = episode.test_targets.reshape(-1, task.steps)

    def one(stimuli, targets, key):
        def moment(state, seen):
            stimulus, target, now = seen
            return learner.moment(state, stimulus, target, task, now)

        keys = jax.random.split(key, task.steps)
        return jax.lax.scan(moment, state, (stimuli, targets, keys))[1][-1]

    return jax.vmap(one)(stimuli, targets, jax.random.split(key, stimuli.shape[0]))
