"""Scores that only some tasks have, taken from the state at the end of each life."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import equinox as eqx
import jax
import numpy as np

from metaplast.bench.detect import cut, detection_score
from metaplast.bench.forgetting import forgetting
from metaplast.bench.living import Arena, threads
from metaplast.lifetime import Learner, live
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.class_incremental import ClassIncremental
from metaplast.tasks.detection import Detection
from metaplast.types import Episode, Life, State

Score = Callable[[Learner, AbstractTask, Episode, Life, State], dict[str, float]]


def scores(learner: Learner, arena: Arena, lives: int) -> dict[str, np.ndarray]:
    """Further scores by name, each `[lives]`; none for most tasks.

    `Detection` has an average precision on whole pictures, at an intersection over union of 0.5;
    `ClassIncremental` in two stages or more says what was learned, kept and lost of earlier
    classes. The learner lives once more, for a comparison keeps no states.

    Args:
        learner: at its best setting.
        arena: whose lives are lived.
        lives: how many of them, from the first one.
    """
    score = _of(arena.task)
    if score is None:
        return {}
    step = eqx.filter_jit(live)

    def one(number: int) -> dict[str, float]:
        episode, key = arena.life(number)
        life, state = step(learner, arena.task, episode, key)
        return score(learner, arena.task, episode, jax.device_get(life), state)

    first = one(0)  # compiled once, before any other thread asks for the same
    with ThreadPoolExecutor(threads()) as pool:
        each = [first, *pool.map(one, range(1, lives))]
    return {name: np.array([found[name] for found in each]) for name in first}


def _of(task: AbstractTask) -> Score | None:
    if isinstance(task, Detection):
        return partial(_detected, cut(task))
    if isinstance(task, ClassIncremental) and task.stages > 1:
        return _forgotten
    return None


def _detected(pictures, learner, task, episode, life, state) -> dict[str, float]:
    return {"average_precision": detection_score(learner, state, task, pictures).mean}


def _forgotten(learner, task, episode, life, state) -> dict[str, float]:
    readouts = jax.vmap(lambda x: learner.predict(state, x))(episode.test_stimuli)
    found = forgetting(life, episode, readouts, task.stages)
    return {"learned": found.learned, "kept": found.kept, "lost": found.lost}
