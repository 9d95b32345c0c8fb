"""The comparison: the same lives, the same births, every rival at its best."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from metaplast.bench.entry import entry
from metaplast.bench.living import Arena
from metaplast.bench.scored import scored
from metaplast.bench.scores import check_lives
from metaplast.bench.statistics import paired
from metaplast.learners.candidate import Candidate, fixed, is_backprop
from metaplast.learners.registry import build
from metaplast.lifetime import Learner
from metaplast.seeds import check_seed
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.checksum import checksums
from metaplast.tasks.with_moments import with_moments

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
        moments: length of a life, where a table does not say it; a task brings its own.
        lives: paired lives.
        hidden: widths of the hidden layers.
        seed: of episodes and births; below 2**32.
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
    check_seed(seed)
    task = task_of(data, moments)
    rows = _rows(learners, task, hidden, only)
    arena = Arena(task, seed, block)
    check_lives(arena, lives)
    entries, accuracy = [], {}
    for done, row in enumerate(rows):
        if progress:
            progress(row.name, done, len(rows))
        lived = entry(row, arena, lives)
        entries.append(lived.entry)
        accuracy[row.name] = lived.by_life["online"]
    oracle = best_backprop({name: values.mean() for name, values in accuracy.items()})
    return {
        "data": str(getattr(task, "name", data)),
        "checksums": checksums(task),
        "unscored": scored(task).why,
        "moments": task.moments,
        "lives": lives,
        "hidden": list(hidden),
        "seed": seed,
        "learners": entries,
        "best_backprop": oracle,
        "paired": pairs([r.name for r in rows if r.found], accuracy, oracle),
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
        each = (  # what is the same in all cells needs no word in a line of progress
            (data, str(getattr(d, "name", _short(d)))),
            (moments, f"{getattr(d, 'moments', m)} moments"),
            (hidden, f"hidden {','.join(map(str, h))}"),
        )
        label = _labelled(progress, " ".join(word for all_, word in each if len(all_) > 1))
        results.append(bench(learners, d, m, hidden=h, progress=label, **options))
    return {"cells": results}


def _check(lives: int, hidden: tuple[int, ...]) -> None:
    if lives < 1:
        raise ValueError(f"lives = {lives}: expected 1 or more, and 16 or more for a claim")
    if any(width < 1 for width in hidden):
        raise ValueError(f"hidden = {hidden}: expected widths of 1 or more")


def task_of(data: str | AbstractTask, moments: int) -> AbstractTask:
    """The task that a name, a path or a table means; a task is itself.

    Args:
        data: as for `bench`.
        moments: length of a life. Of a table it is that of its innermost tasks, where the table
            does not say `moments` and their lives have no length of their own.
    """
    if isinstance(data, AbstractTask):
        return data
    if _is_table(data):
        from metaplast.experiment import construct

        table = _table(data)
        task = construct("tasks", table, "data")
        return task if _says_moments(table) else _with(task, moments) or task
    from metaplast.tasks.named import named

    return named(data, moments=moments, split="bench")


def own_length(data: str) -> int | None:
    """Moments of a life where no argument can change them: a table says them, or its lives have a
    length of their own, as few-shot lives have. None of any other data."""
    if not _is_table(data):
        return None
    task = task_of(data, 1)
    return task.moments if _says_moments(_table(data)) or _with(task, 2) is None else None


def _is_table(data: str) -> bool:
    return data.lstrip().startswith("{")


def _says_moments(table: Any) -> bool:
    """Whether a table says, however deep, how long a life is."""
    if isinstance(table, dict):
        return "moments" in table or any(_says_moments(inner) for inner in table.values())
    return isinstance(table, list) and any(_says_moments(inner) for inner in table)


def _with(task: AbstractTask, moments: int) -> AbstractTask | None:
    """The task with lives of that length; None where they have one of their own."""
    try:
        return with_moments(task, moments)
    except ValueError:
        return None


def _short(data: Any) -> str:
    """A table by its types, the outermost first, such as `Drifting digits`; a name as it is."""
    text = str(data)
    return " ".join(re.findall(r'type\s*=\s*"([^"]+)"', text)) if _is_table(text) else text


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
    asked_as: dict[str, Any] = {}
    for learner in asked:
        built = (
            build(learner, task.inputs, hidden, task.classes, task.moments)
            if isinstance(learner, str)
            else [fixed(learner[0], learner[1])]
        )
        for row in built:
            # Two files of one name may each hold a learner of the user's, and an object that is
            # called as a rival would live in its place.
            other = asked_as.get(row.name, learner)
            alike = ":" in row.name and other != learner
            objects = not (isinstance(learner, str) and isinstance(other, str))
            if row.name in rows and (alike or objects):
                raise ValueError(f"learners: {row.name!r} occurs twice; give another name")
            rows.setdefault(row.name, row)
            asked_as.setdefault(row.name, learner)
    return list(rows.values())


def best_backprop(accuracy: Mapping[str, float]) -> str:
    """The row of backprop with the highest of these accuracies."""
    return max((name for name in accuracy if is_backprop(name)), key=lambda name: accuracy[name])


def pairs(found: Sequence[str], accuracy: Mapping[str, np.ndarray], oracle: str) -> list[dict]:
    """Everybody against the best backprop, and every found rule against everybody.

    Args:
        found: names of found rules.
        accuracy: `[lives]` of every row, by name.
        oracle: the best backprop.
    """
    chosen = [(name, oracle) for name in accuracy if not is_backprop(name)]
    for rule in found:
        others = ((rule, other) for other in accuracy if other != rule)
        chosen += [pair for pair in others if pair not in chosen]
    return [paired(a, b, accuracy[a], accuracy[b]) for a, b in chosen]


def _labelled(progress: Progress | None, cell: str) -> Progress | None:
    if progress is None:
        return None
    return lambda name, done, rows: progress(f"{cell}: {name}" if cell else name, done, rows)
