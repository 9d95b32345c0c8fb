"""The comparison: the same lives, the same births, every rival at its best."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from metaplast.bench.living import Arena, changing_synapses
from metaplast.bench.statistics import curve, interval, paired
from metaplast.bench.tuning import Tuned, tune
from metaplast.learners.candidate import Candidate, fixed
from metaplast.learners.registry import build
from metaplast.lifetime import Learner
from metaplast.tasks.abstract import AbstractTask

ORACLE = "backprop"
RIVALS = ("nearest_class_mean", "recursive_least_squares", "nearest_neighbor")
"""The trivial learners that a careful reviewer asks for."""

Progress = Callable[[str, int, int], None]
"""Called with the name of the row about to live, rows done, and rows in all."""


def bench(
    learners: Sequence[str | tuple[str, Learner]],
    data: str | AbstractTask,
    moments: int = 300,
    lives: int = 16,
    hidden: Sequence[int] = (64, 64),
    seed: int = 0,
    only: bool = False,
    progress: Progress | None = None,
    block: int | None = None,
) -> dict[str, Any]:
    """Compare learners on one data set at one horizon and one size of network.

    Backprop always runs, and so do the trivial learners unless `only` is given. What a
    rival leaves open is tuned *in hindsight, on the very lives of the comparison*, which
    favors the rivals; found rules run as they were found. Sixteen lives are the minimum
    for a claim.

    Args:
        learners: names, paths of found rules, or pairs of a name and a learner.
        data: a name or path that `tasks.named` knows; a table in TOML that describes any task,
            such as `{type = "Drifting", task = {type = "digits"}}`; or a task.
        moments: length of a life; a task brings its own.
        lives: paired lives.
        hidden: widths of the hidden layers.
        seed: of episodes and births.
        only: leave the trivial learners out where nobody asked for them.
        progress: called before each row.
        block: most lives that run at once; by default what fits the machine.

    Returns:
        A table as plain data, ready for JSON.

    Raises:
        ValueError: a wrong argument, an unknown learner, a name that occurs twice.
    """
    hidden = tuple(int(width) for width in hidden)
    _check(lives, hidden)
    task = task_of(data, moments)
    rows = _rows(learners, task, hidden, only)
    arena = Arena(task, seed, block)
    entries, accuracy = [], {}
    for done, row in enumerate(rows):
        if progress:
            progress(row.name, done, len(rows))
        begun = time.perf_counter()
        tuned = tune(row, arena, lives)
        seconds = time.perf_counter() - begun
        entries.append(_entry(row, tuned, seconds, arena))
        accuracy[row.name] = tuned.outcome.accuracy[0]
    oracle = max((r.name for r in rows if r.is_backprop), key=lambda name: accuracy[name].mean())
    return {
        "data": str(getattr(task, "name", data)),
        "moments": task.moments,
        "lives": lives,
        "hidden": list(hidden),
        "seed": seed,
        "learners": entries,
        "best_backprop": oracle,
        "paired": _pairs(rows, accuracy, oracle),
    }


def sweep(
    learners: Sequence[str | tuple[str, Learner]],
    data: Sequence[str | AbstractTask],
    moments: Sequence[int] = (300,),
    hidden: Sequence[Sequence[int]] = ((64, 64),),
    progress: Progress | None = None,
    **options,
) -> dict[str, Any]:
    """`bench` for every combination of data, moments and hidden layers.

    Learners given as objects have a size of their own, so they fit a sweep only where
    no other size is asked for. `options` are those of `bench`.

    Returns:
        `{"cells": [...]}`, one result of `bench` for each combination.
    """
    cells = [(d, m, h) for d in data for m in moments for h in hidden]
    results = []
    for d, m, h in cells:
        cell = (getattr(d, "name", d), getattr(d, "moments", m), ",".join(map(str, h)))
        label = _labelled(progress, " ".join(map(str, cell)))
        results.append(bench(learners, d, m, hidden=h, progress=label, **options))
    return {"cells": results}


def _check(lives: int, hidden: tuple[int, ...]) -> None:
    if lives < 1:
        raise ValueError(f"lives = {lives}: expected 1 or more, and 16 or more for a claim")
    if any(width < 1 for width in hidden):
        raise ValueError(f"hidden = {hidden}: expected widths of 1 or more")


def task_of(data: str | AbstractTask, moments: int) -> AbstractTask:
    """The task that a name, a path or a table in TOML means."""
    if isinstance(data, AbstractTask):
        return data
    if data.lstrip().startswith("{"):
        from metaplast.experiment import construct

        return construct("tasks", _table(data), "data")
    from metaplast.tasks.named import named

    return named(data, moments=moments, split="bench")


def _table(data: str) -> dict[str, Any]:
    """The table that a text such as `{type = "FewShot", ways = 5, ...}` is."""
    try:
        return tomllib.loads(f"data = {data}")["data"]
    except tomllib.TOMLDecodeError as fault:
        raise ValueError(f"data = {data!r}: no TOML table ({fault}); close its braces") from None


def _rows(learners, task: AbstractTask, hidden: tuple[int, ...], only: bool) -> list[Candidate]:
    """Whoever was asked for, then backprop, then the trivial learners; each once."""
    asked = [*learners, ORACLE, *(() if only else RIVALS)]
    rows: dict[str, Candidate] = {}
    for learner in asked:
        built = (
            build(learner, task.inputs, hidden, task.classes, task.moments)
            if isinstance(learner, str)
            else [fixed(learner[0], learner[1])]
        )
        for row in built:
            if row.name in rows and not isinstance(learner, str):
                raise ValueError(f"learners: {row.name!r} occurs twice; give another name")
            rows.setdefault(row.name, row)
    return list(rows.values())


def _entry(row: Candidate, tuned: Tuned, seconds: float, arena: Arena) -> dict[str, Any]:
    outcome, watch = tuned.outcome, arena.reset()
    online, test = outcome.accuracy[0], outcome.test[0]
    updates = changing_synapses(tuned.learner) * watch.lives * arena.task.moments
    return {
        "name": row.name,
        "found": row.found,
        "online_accuracy": float(online.mean()),
        "online_accuracy_ci": interval(online),
        "test_accuracy": float(test.mean()),
        "test_accuracy_ci": interval(test),
        "tuned": tuned.report,
        "diverged": int(outcome.exploded[0].sum()),
        "seconds": seconds,
        "synapse_updates_per_second": updates / watch.living if watch.living > 0 else 0.0,
        "curve": curve(outcome.correct[0]),
    }


def _pairs(rows: list[Candidate], accuracy: dict[str, np.ndarray], oracle: str) -> list[dict]:
    """Everybody against the best backprop, and every found rule against everybody."""
    pairs = [(r.name, oracle) for r in rows if not r.is_backprop]
    for row in rows:
        if row.found:
            others = (r.name for r in rows if r is not row)
            pairs += [(row.name, other) for other in others if (row.name, other) not in pairs]
    return [paired(a, b, accuracy[a], accuracy[b]) for a, b in pairs]


def _labelled(progress: Progress | None, cell: str) -> Progress | None:
    if progress is None:
        return None
    return lambda name, done, rows: progress(f"{cell}: {name}", done, rows)
