"""Who hears the target on a task that does not tell it: no rival, but an upper bound."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from metaplast.lifetime import Learner
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.teaching import said
from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Episode, Key, Teaching

TOLD = "hears the target"
"""What a comparison says of such a learner."""
MOMENTS = 4
"""Moments in which a learner has to show whether it heard what nobody told it."""


class _Silent(AbstractWrapper):
    """The inner task, whose teaching says nothing at all."""

    @property
    def change_name(self) -> str:
        return "taught by nobody"

    def change(self, episode: Episode, key: Key) -> Episode:
        del key
        return episode

    def teach(self, readout, target) -> Teaching:
        told = jax.eval_shape(self.task.recalled(self.task.memory()).teach, readout, target)
        return jax.tree.map(lambda part: jnp.zeros(part.shape, part.dtype), told)


def withholds(task: AbstractTask) -> bool:
    """Whether what the output cells are told is the same whatever the target: reward alone."""
    first, last = said(task)
    return bool(jnp.array_equal(first.signal, last.signal))


def hears_target(learner: Learner, task: AbstractTask, seed: int = 0) -> bool:
    """Whether other targets make another learner of it where nobody teaches: it takes the target,
    or the gradient of the loss, on its own.

    Args:
        learner: lives a few moments, twice.
        task: whose loss it may take; its teaching is silenced.
        seed: of birth, stimuli and noise.
    """
    silent = _Silent(task)  # pyright: ignore[reportCallIssue]
    born, shown, noise = jax.random.split(jax.random.key(seed), 3)
    stimuli = jax.random.uniform(shown, (MOMENTS, task.inputs))

    @eqx.filter_jit
    def lived(learner, targets):
        def moment(state, now):
            stimulus, target, key = now
            return learner.moment(state, stimulus, target, silent, key)

        keys = jax.random.split(noise, MOMENTS)
        return jax.lax.scan(moment, learner.born(born), (stimuli, targets, keys))[0]

    one, other = (
        jax.tree.leaves(lived(learner, targets))
        for targets in (jnp.zeros(MOMENTS, int), jnp.full(MOMENTS, task.classes - 1))
    )
    numbers = ((a, b) for a, b in zip(one, other, strict=True) if not _is_key(a))
    return any(not np.array_equal(a, b, equal_nan=True) for a, b in numbers)


def _is_key(leaf) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
