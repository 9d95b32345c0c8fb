"""What a row of the table computes, as one hash: so that a figure whose code changed is told apart.

Source says too much, for every comment changes it, and too little, for a learner's file is not all
that it is made of. What JAX traces is the computation itself.
"""

from __future__ import annotations

import functools
import hashlib
import re

import jax
import numpy as np

from metaplast.bench.protocol import task_of
from metaplast.fingerprint import feed
from metaplast.learners.registry import build
from metaplast.lifetime import Learner
from metaplast.tasks.abstract import AbstractTask

DATA, HIDDEN, MOMENTS = "digits", (5, 4), 8
"""What the small learners that are traced would live."""


@functools.cache
def program(row: str) -> str:
    """SHA-256 of what every variant of a row is at birth, does in a moment and answers, with its
    numbers, its settings and its grid.

    Args:
        row: of the registry, or a found rule.
    """
    task = task_of(DATA, MOMENTS)
    (candidate,) = build(row, task.inputs, HIDDEN, task.classes, task.moments)
    total = hashlib.sha256()
    for variant in candidate.variants:
        feed(total, (dict(variant.settings), variant.grid))
        learner = variant.build(variant.grid.start if variant.grid else float("nan"))
        for traced in _traced(learner, task):
            # Where a function lies in memory is no part of what it does.
            feed(total, re.sub(r"0x[0-9a-f]+", "", str(traced.jaxpr)))
            feed(total, traced.consts)
    return total.hexdigest()


def _traced(learner: Learner, task: AbstractTask):
    """The programs of its birth, of a moment, and of an answer."""
    key = jax.random.key(0)
    state = jax.eval_shape(learner.born, key)
    stimulus = jax.ShapeDtypeStruct((task.inputs,), np.float32)
    target = jax.ShapeDtypeStruct((), np.int32)

    def moment(state, stimulus, target, key):
        return learner.moment(state, stimulus, target, task, key)

    yield jax.make_jaxpr(learner.born)(key)
    yield jax.make_jaxpr(moment)(state, stimulus, target, key)
    noise = (key,) if getattr(learner, "noisy", False) else ()
    yield jax.make_jaxpr(learner.predict)(state, stimulus, *noise)
