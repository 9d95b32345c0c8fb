"""How long a suite will take, from a few pieces of it that are timed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from metaplast.bench.footprint import changing_synapses
from metaplast.bench.living import Arena
from metaplast.bench.tuning import FINALISTS, FIRST, GROWTH
from metaplast.learners.candidate import Candidate
from metaplast.learners.registry import ROWS
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.with_moments import with_moments

PIECE = 30
"""Moments of a timed life."""
TIMED = ("backprop_adam", "equilibrium_propagation")
"""Rivals that are timed, one whose moments are quick and one whose are slow, and one found rule."""


class Piece(NamedTuple):
    """What one learner cost when it was timed."""

    compiling: float
    """Seconds for each program."""
    overhead: float
    """Seconds per moment of a life, on all cores together."""
    synapses: int
    """Numbers that it changed at each of them."""


class Work(NamedTuple):
    """What an entry has to do."""

    programs: int
    moments: int
    """Of all lives, those of tuning among them."""
    synapses: int


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
    programs = max(count // 2, 1)
    return Work(programs, round(lived * task.moments), changing_synapses(variant.build(start)))


def timed(row: Candidate, task: AbstractTask, seed: int) -> Piece:
    """Let a candidate live a few short lives."""
    with contextlib.suppress(ValueError):  # lives whose length is the task's own affair are short
        task = with_moments(task, PIECE)
    arena, variant = Arena(task, seed), row.variants[0]
    values = variant.grid.coarse if variant.grid else (float("nan"),)
    learners = [variant.build(value) for value in values]
    lives = range(FIRST)
    arena.live(learners, lives, tuning=True)
    compiling = arena.stopwatch.compiling
    arena.stopwatch = type(arena.stopwatch)()
    arena.live(learners, lives, tuning=True)
    spent = arena.reset().living
    moments = len(learners) * FIRST * task.moments
    return Piece(compiling, spent / moments, changing_synapses(learners[0]))


def seconds(pieces: dict[str, Piece], row: str, work: Work) -> float:
    """What an entry will take: as its own piece, or as the mean of all, more for more synapses.

    Args:
        pieces: by learner; one or more.
        row: the learner.
        work: what it has to do.
    """
    known = [pieces[row]] if row in pieces else list(pieces.values())
    each = [
        p.compiling * work.programs
        + p.overhead * work.moments * max(work.synapses / max(p.synapses, 1), 1.0)
        for p in known
    ]
    return sum(each) / len(each)


def representatives(rows: Iterable[str]) -> Sequence[str]:
    """Which learners are timed: those that stand for the others, or whoever there is."""
    rows = list(dict.fromkeys(rows))
    found = [row for row in rows if row not in ROWS][:1]
    chosen = [row for row in rows if row in TIMED] + found
    return chosen or rows[:1]
