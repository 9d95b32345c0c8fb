"""A matrix of learners and tasks, lived entry by entry and kept: it may stop at any time."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from metaplast import __version__, own_source
from metaplast.bench import forecast
from metaplast.bench.archive import Archive, about, place
from metaplast.bench.entry import entry
from metaplast.bench.living import Arena
from metaplast.bench.median_polish import Ahead, Taken, foreseen
from metaplast.bench.program import program
from metaplast.bench.protocol import Progress, best_backprop, pairs, task_of
from metaplast.learners.candidate import Candidate, is_backprop
from metaplast.learners.registry import EXPANDED, ROWS, build
from metaplast.own_source import reference
from metaplast.seeds import check_seed
from metaplast.suites import Setting
from metaplast.tasks.checksum import checksums
from metaplast.tasks.folder import find

LONG = 600.0
"""A suite that takes more seconds than this says so first."""

FEW = 20_000
"""Moments, of all lives, that are not worth a forecast."""

Say = Callable[[str], None]


class Planned(NamedTuple):
    """One setting, and who has still to live it."""

    setting: Setting
    rows: tuple[str, ...]
    missing: tuple[str, ...]
    changed: tuple[str, ...] = ()
    """Of these, who has lived it with other data, as another rule, or computing otherwise."""


def run(
    settings: Sequence[Setting],
    learners: Sequence[str],
    archive: Archive,
    lives: int = 16,
    seed: int = 0,
    progress: Progress | None = None,
    say: Say = print,
) -> list[dict[str, Any]]:
    """Live what nobody has lived yet, and return a result of `bench`'s form for each setting.

    An entry is stored when it is done. It counts as lived while the data, the rule and what a
    learner computes are those that it was made with, told by their checksums; `say` names whose
    entries are lived anew because their learners compute something else now.

    Args:
        settings: what is lived; one whose file is absent is skipped, and `say` says so.
        learners: names or paths, as in `bench`; backprop always lives too.
        archive: where entries are kept.
        lives: paired lives, where a setting does not say how many.
        seed: of episodes and births; below 2**32.
        progress: called before each entry.
        say: told of what is skipped and of how long the rest will take.

    Raises:
        ValueError: an unknown learner, a seed that is none, data that cannot be read, a damaged
            entry.
    """
    check_seed(seed)
    names = _names(learners)
    plan = [p for s in settings if (p := _planned(s, names, archive, lives, seed, say))]
    if changed := dict.fromkeys(row for planned in plan for row in planned.changed):
        others = ", ".join(changed)
        say(f"lived anew, for the data, the rule or what it computes is another: {others}")
    past, ahead = _forecast(plan, archive, lives, seed, say)
    done, whole, now = 0, sum(len(p.missing) for p in plan), set()
    for planned in plan:
        arena = None
        for row in planned.missing:
            arena = arena or Arena(task_of(planned.setting.data, planned.setting.moments), seed)
            if progress:
                told = ""
                if ahead:
                    told = f" ({_minutes(sum(foreseen(past, ahead.values(), now)))} left)"
                progress(f"{getattr(arena.task, 'name', '')}: {row}{told}", done, whole)
            stored = _lived(planned.setting, row, arena, lives, seed)
            archive.write(stored)
            if ahead:
                now.add(ahead.pop((planned.setting, row)).setting)
                past.append(forecast.taken(stored))
            done += 1
    results = []
    for planned in plan:
        entries = [archive.read(about(planned.setting, r, lives, seed)) for r in planned.rows]
        results.append(assembled([e for e in entries if e is not None]))
    return results


def assembled(stored: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The entries of one setting as a result of `bench`'s form, every pair compared."""
    first = stored[0]
    judged = first["about"]["judged"]
    accuracy = {e["entry"]["name"]: np.asarray(e["by_life"][judged]) for e in stored}
    rivals = {name: values.mean() for name, values in accuracy.items() if is_backprop(name)}
    oracle = best_backprop(rivals) if rivals else None
    found = [e["entry"]["name"] for e in stored if e["entry"]["found"]]
    return {
        **first["task"],
        "judged": judged,
        "lives": first["about"]["lives"],
        "hidden": first["about"]["hidden"],
        "seed": first["about"]["seed"],
        "learners": [e["entry"] for e in stored],
        "best_backprop": oracle,
        "paired": pairs(found, accuracy, oracle) if oracle else [],
        "made": [e["made"] for e in stored],
    }


def _names(learners: Sequence[str]) -> tuple[str, ...]:
    """Rows by name, each once, backprop among them."""
    expanded = [row for name in (*learners, "backprop") for row in EXPANDED.get(name, (name,))]
    rows = tuple(dict.fromkeys(expanded))
    shown: set[str] = set()
    for row in rows:
        # An unknown name, or a broken file, is refused first; and files of one name.
        name = row if row in ROWS else _candidate(row, 4, (3,), 2, 5).name
        if name in shown:
            raise ValueError(f"learners: {name!r} occurs twice; give another name")
        shown.add(name)
    return rows


def _planned(
    setting: Setting, names: Sequence[str], archive: Archive, lives: int, seed: int, say: Say
) -> Planned | None:
    """Who has still to live a setting; None where it is skipped."""
    rows = tuple(n for n in names if n not in ROWS) if setting.only_found else tuple(names)
    stored = {row: archive.read(about(setting, row, lives, seed)) for row in rows}
    if setting.needs:
        try:
            find(setting.needs)
        except FileNotFoundError as absent:
            return _skipped(setting, rows, stored, absent, say)
    if not rows:
        return None
    try:
        sums = checksums(task_of(setting.data, setting.moments))
    except ImportError as absent:
        return _skipped(setting, rows, stored, absent, say)
    changed = tuple(
        row
        for row, entry in stored.items()
        if entry and not (_same_input(entry, sums, row) and _same_program(entry, row))
    )
    missing = (row for row in rows if stored[row] is None or row in changed)
    return Planned(setting, rows, tuple(missing), changed)


def _same_input(stored: dict[str, Any], sums: dict[str, str], row: str) -> bool:
    """Whether an entry was lived with the data and the rule that there are now."""
    return stored["task"]["checksums"] == sums and stored["made"]["rule"] == _rule(row)


def _same_program(stored: dict[str, Any], row: str) -> bool:
    """Whether the learner of an entry computed what it does now, as far as one can tell: another
    JAX writes the same program in another way, and older entries do not say."""
    made = stored["made"]
    return made["jax"] != jax.__version__ or made.get("program") in (None, program(row))


def _skipped(setting: Setting, rows, stored, why: Exception, say: Say) -> Planned | None:
    """What is stored of a setting that nobody can live here."""
    known = tuple(row for row in rows if stored[row])
    say(
        f"skipped {setting.data}: {why}" + (f" ({len(known)} stored entries stay)" if known else "")
    )
    return Planned(setting, known, ()) if known else None


def _lived(setting: Setting, row: str, arena: Arena, lives: int, seed: int) -> dict[str, Any]:
    task, count = arena.task, setting.lives or lives
    candidate = _candidate(row, task.inputs, setting.hidden, task.classes, task.moments)
    found = entry(candidate, arena, count, setting.judged)
    return {
        "about": about(setting, row, lives, seed),
        "task": {
            "data": str(getattr(task, "name", setting.data)),
            "checksums": checksums(task),
            "moments": task.moments,
            "inputs": task.inputs,
            "classes": task.classes,
        },
        "made": {
            "rule": _rule(row),
            "program": program(row),
            "metaplast": __version__,
            "jax": jax.__version__,
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "date": time.strftime("%Y-%m-%d"),
        },
        "entry": found.entry,
        "by_life": {
            name: [float(v) if np.isfinite(v) else None for v in values]
            for name, values in found.by_life.items()
        },
    }


def _candidate(row: str, inputs: int, hidden, classes: int, moments: int) -> Candidate:
    (candidate,) = build(row, inputs, hidden, classes, moments)
    return candidate


def _rule(row: str) -> str:
    """The hash of a found rule's file, or of the source of a learner of the user's; empty for other
    learners."""
    if row in ROWS:
        return ""
    if (own := reference(row)) and not Path(row).exists():
        return own_source.digest(own.home)
    from metaplast import store

    return str(store.load(row).manifest.get("hash", ""))


def _forecast(
    plan: Sequence[Planned], archive: Archive, lives: int, seed: int, say: Say
) -> tuple[list[Taken], dict[tuple[Setting, str], Ahead]]:
    """What was lived before, and what is ahead; told how long that is where it is long.

    Nothing is ahead where it is not worth a forecast.
    """
    work: dict[tuple[Setting, str], forecast.Work] = {}
    for setting, _, missing, _ in (planned for planned in plan if planned.missing):
        task = task_of(setting.data, setting.moments)
        shape = (task.inputs, setting.hidden, task.classes, task.moments)
        for row in missing:
            candidate = _candidate(row, *shape)
            work[setting, row] = forecast.work(candidate, task, setting.lives or lives)
    if sum(each.moments for each in work.values()) < FEW:
        return [], {}
    ahead = {
        (setting, row): Ahead(row, place(about(setting, row, lives, seed)), each.updates)
        for (setting, row), each in work.items()
    }
    past = [forecast.taken(stored) for stored in archive.everything()]
    source = f"{len(past)} entries that were lived before"
    if not past:
        past = _pieces(work, ahead, seed)
        source = f"{len(past)} learners that were timed for {forecast.PIECE} moments"
    whole = sum(foreseen(past, ahead.values()))
    if whole > LONG:
        say(
            f"about {_minutes(whole)} for {len(ahead)} entries, judging by {source}; a single "
            "one may take several times as long"
        )
    return past, ahead


def _pieces(work, ahead: dict[tuple[Setting, str], Ahead], seed: int) -> list[Taken]:
    """A few entries of the first setting as if they had been lived, from pieces of them."""
    setting = next(iter(work))[0]
    task = task_of(setting.data, setting.moments)
    shape = (task.inputs, setting.hidden, task.classes, task.moments)
    made = []
    for row in forecast.representatives(row for at, row in work if at == setting):
        piece = forecast.timed(_candidate(row, *shape), task, seed)
        made.append(Taken(*ahead[setting, row], forecast.seconds(piece, work[setting, row])))
    return made


def _minutes(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{max(seconds / 60, 1):.0f} min"
