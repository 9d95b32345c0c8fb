"""What entries of a suite have to do, what they took where they were lived, and pieces, timed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from metaplast.bench.archive import place
from metaplast.bench.footprint import footprint
from metaplast.bench.living import Arena
from metaplast.bench.median_polish import Taken
from metaplast.bench.tuning import FINALISTS, FIRST, GROWTH
from metaplast.learners.candidate import Candidate
from metaplast.learners.registry import ROWS
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.with_moments import with_moments

PIECE = 100
"""Moments of a timed life: of a shorter one the questions at its end would be the greater part."""
TIMED = ("backprop_adam", "equilibrium_propagation")
"""Rivals that are timed, one whose moments are quick and one whose are slow, and one found rule."""


class Piece(NamedTuple):
    """What one learner cost when it was timed."""

    compiling: float
    """Seconds for each program."""
    overhead: float
    """Seconds per moment of a life, on all cores together."""


class Work(NamedTuple):
    """What an entry has to do."""

    programs: int
    moments: int
    """Of all lives, those of tuning among them."""
    updates: int
    """Of synapses, at all these moments."""


def work(row: Candidate, task: AbstractTask, lives: int) -> Work:
    """How much an entry lives. Half of the grids are taken to grow once."""
    variant = row.variants[0]
    start = variant.grid.start if variant.grid else float("nan")
    count = len(row.variants)
    if variant.grid is None:
        lived = count * lives
    else:
        tried = variant.grid.points + 2 + GROWTH / 2
        lived = count * tried * min(FIRST, lives) + FINALISTS * max(lives - FIRST, 0)
    # Raw and standardized stimuli share a program; one more lets the finalists live on.
    programs, moments = max(count // 2, 1), round(lived * task.moments)
    each = footprint(variant.build(start), task.inputs, task.classes).updates
    return Work(programs, moments, moments * each)


def taken(stored: dict[str, Any]) -> Taken:
    """What a stored entry took."""
    about, entry = stored["about"], stored["entry"]
    lives, tuned = about["lives"], entry["tuned"]
    tried, first = len(tuned.get("tried", [None])), tuned.get("tried_on_lives", lives)
    lived = tried * first + min(FINALISTS, tried) * (lives - first)
    updates = entry["synapse_updates"] * lived
    return Taken(about["learner"], place(about), updates, entry["seconds"])


def timed(row: Candidate, task: AbstractTask, seed: int) -> Piece:
    """Let a candidate live a few short lives."""
    with contextlib.suppress(ValueError):  # lives whose length is the task's own affair are short
        task = with_moments(task, PIECE)
    arena, variant = Arena(task, seed), row.variants[0]
    values = variant.grid.coarse if variant.grid else (float("nan"),)
    learners = [variant.build(value) for value in values]
    lives, tuning = range(FIRST), variant.grid is not None
    arena.live(learners, lives, tuning)
    compiling = arena.stopwatch.compiling
    arena.stopwatch = type(arena.stopwatch)()
    arena.live(learners, lives, tuning)
    spent = arena.reset().living
    moments = len(learners) * FIRST * task.moments
    return Piece(compiling, spent / moments)


def seconds(piece: Piece, work: Work) -> float:
    """What an entry will take, if it goes on as its piece did."""
    return piece.compiling * work.programs + piece.overhead * work.moments


def representatives(rows: Iterable[str]) -> Sequence[str]:
    """Which learners are timed: those that stand for the others, or whoever there is."""
    rows = list(dict.fromkeys(rows))
    found = [row for row in rows if row not in ROWS][:1]
    chosen = [row for row in rows if row in TIMED] + found
    return chosen or rows[:1]
