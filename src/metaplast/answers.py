"""Which answers of a life count, and which of them are right."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.wrapper import answered_of
from metaplast.types import Life


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
