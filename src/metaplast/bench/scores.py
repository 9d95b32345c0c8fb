"""Scores that only some tasks have, taken from the state at the end of each life."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import equinox as eqx
import jax
import numpy as np

from metaplast.bench.detect import cut, detection_score
from metaplast.bench.forgetting import forgetting
from metaplast.bench.living import Arena, held_out, noise_at_end, threads
from metaplast.bench.scored import exchanged, half_of, scored
from metaplast.lifetime import Learner, asked, live
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.class_incremental import ClassIncremental
from metaplast.tasks.detection import Detection
from metaplast.tasks.drifting import Drifting
from metaplast.types import Episode, Key, Life, State

Score = Callable[[int, Learner, Episode, Life, State, Key], dict[str, float]]
"""Of one life, by its number; the key is that of the life."""


def check_lives(arena: Arena, lives: int) -> None:
    """Refuse lives that cannot be scored, before anybody is tuned for them.

    Raises:
        ValueError: a life of classes in stages that lacks one.
    """
    task = arena.task
    if not isinstance(scored(task).part, ClassIncremental):
        return
    for number in range(lives):
        there = np.unique(arena.life(number)[0].targets).size
        if there < task.classes:
            raise ValueError(
                f"data: life {number} has {there} of {task.classes} classes, expected all, or its "
                "stages cannot be told; give longer lives (--moments)"
            )


def scores(learner: Learner, arena: Arena, lives: int) -> dict[str, np.ndarray]:
    """Further scores by name, each `[lives]`; none for most tasks.

    `Detection` has an average precision on whole pictures, at an intersection over union of 0.5;
    `ClassIncremental` in two stages or more says what was learned, kept and lost of earlier
    classes, `Drifting` the same of the world as it was in the middle of the life. So they do where
    they are wrapped, if `scored` says so. The learner lives once more, for a comparison keeps no
    states.

    Args:
        learner: at its best setting.
        arena: whose lives are lived.
        lives: how many of them, from the first one.
    """
    score = _of(arena)
    if score is None:
        return {}

    def one(number: int) -> dict[str, float]:
        episode, key = arena.life(number)
        life, state = _lived(learner, arena.task, episode, key)
        return score(number, learner, episode, jax.device_get(life), state, key)

    first = one(0)  # compiled once, before any other thread asks for the same
    with ThreadPoolExecutor(threads()) as pool:
        each = [first, *pool.map(one, range(1, lives))]
    return {name: np.array([found[name] for found in each]) for name in first}


def _of(arena: Arena) -> Score | None:
    part = scored(arena.task).part
    if isinstance(part, Detection):
        return partial(_detected, part, cut(part))
    if isinstance(part, ClassIncremental):
        return partial(_forgotten, part)
    if isinstance(part, Drifting):
        then = replace(part, tested=_when_half(arena.task))
        return partial(_outgrown, arena, arena.beside(exchanged(arena.task, part, then)))
    return None


def _detected(part, pictures, number, learner, episode, life, state, key) -> dict[str, float]:
    noise = noise_at_end(key, part)
    return {"average_precision": detection_score(learner, state, part, pictures, noise).mean}


def _forgotten(part, number, learner, episode, life, state, key) -> dict[str, float]:
    readouts = asked(learner, state, episode.test_stimuli, noise_at_end(key, part))
    found = forgetting(life, episode, readouts, part.stages)
    return {"learned": found.learned, "kept": found.kept, "lost": found.lost}


def _outgrown(arena, before, number, learner, episode, life, state, key) -> dict[str, float]:
    """Held-out examples as they were in the middle of the life: asked for then, and at its end."""
    then, key = before.life(number)
    half = half_of(arena.task)
    early = then._replace(stimuli=then.stimuli[:half], targets=then.targets[:half])
    _, young = _lived(learner, arena.task, early, key)
    learned, kept = (
        float(_held_out(learner, known, arena.task, then, key)) for known in (young, state)
    )
    return {"learned": learned, "kept": kept, "lost": learned - kept}


def _when_half(task: AbstractTask) -> float:
    """The last moment of the first half of a life, as a share of it."""
    return (half_of(task) - 1) / (task.moments - 1)


_lived = eqx.filter_jit(live)
_held_out = eqx.filter_jit(held_out)
