"""Which answers of a life count, and which of them are right."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.wrapper import answered_of
from metaplast.types import Life


def right(
    readouts: Float[Array | np.ndarray, "*answers classes"],
    targets: Int[Array | np.ndarray, "*answers"],
) -> Bool[Array | np.ndarray, "*answers"]:
    """Whether each answer names its target; one that is not finite names nothing."""
    sound = (abs(readouts) < float("inf")).all(-1)  # of NumPy's arrays and JAX's alike
    return sound & (readouts.argmax(-1) == targets)


def counted(
    correct: Bool[Array | np.ndarray, "*lives moments"], task: AbstractTask
) -> Bool[Array | np.ndarray, "*lives asked"]:
    """Those of the answers of whole episodes that the task asks for: all, where it does not say.

    Where the right answer at most moments is to wait, nobody shall be praised for waiting.
    """
    asked = answered_of(task)
    return correct if asked is None else correct[..., asked]


def accuracy(life: Life, task: AbstractTask) -> Float[Array, "*lives"]:
    """Mean online accuracy of each life, over the moments that ask for an answer."""
    return jnp.mean(counted(life.correct, task).astype("float32"), axis=-1)
