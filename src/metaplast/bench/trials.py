"""Held-out examples that take several moments, lived in order by learners with a memory."""

from __future__ import annotations

import jax
from jaxtyping import Array, Float

from metaplast.lifetime import Learner, memory_of, recalled, remembered
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.wrapper import example_moments_of
from metaplast.types import Episode, Key, State


def trials(
    learner: Learner, state: State, task: AbstractTask, episode: Episode, key: Key
) -> Float[Array, "examples classes"]:
    """Answers to the held-out examples of `InSteps`, wrapped or not, each given in its last step.

    Every example is lived from the same state, that at the end of a life, and what is learned
    in it is forgotten with it: before the last step the learner is taught to wait, which
    tells nothing of the class, and the answer is taken before the lesson of the last. A task that
    remembers (`AbstractTask.memory`) begins to do so with every example.

    Args:
        learner: who answers.
        state: its state at the end of the life.
        task: the task that was lived, asked in the `last` step.
        episode: its episode.
        key: noise.

    Raises:
        ValueError: where the task tells the class before the last step.
    """
    steps = example_moments_of(task)
    if steps == 1 and getattr(task, "asked", None) == "every":
        raise ValueError(
            "task: asked = 'every' tells the class before the last step, expected 'last'; "
            "live it so"
        )
    stimuli = episode.test_stimuli.reshape(-1, steps, task.inputs)
    targets = episode.test_targets.reshape(-1, steps)

    def one(stimuli, targets, key):
        def moment(carry, seen):
            state, memory = carry
            stimulus, target, now = seen
            judge = recalled(task, memory)
            state, readout = learner.moment(state, stimulus, target, judge, now)
            return (state, remembered(task, memory, readout, target)), readout

        keys = jax.random.split(key, steps)
        begin = state, memory_of(task)
        return jax.lax.scan(moment, begin, (stimuli, targets, keys))[1][-1]

    return jax.vmap(one)(stimuli, targets, jax.random.split(key, stimuli.shape[0]))
