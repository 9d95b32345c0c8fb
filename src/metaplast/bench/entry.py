"""One row of a comparison: a learner at its best setting, and what it cost."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from metaplast.bench.footprint import footprint
from metaplast.bench.living import Arena
from metaplast.bench.scores import scores
from metaplast.bench.statistics import curve, interval
from metaplast.bench.told import TOLD, hears_target, withholds
from metaplast.bench.tuning import Judged, tune
from metaplast.learners.candidate import Candidate

LATE = 1000
"""Moments at the end of a long life whose accuracy is told on its own."""


class Lived(NamedTuple):
    """A row of the comparison."""

    entry: dict[str, Any]
    """As plain data, ready for JSON."""
    by_life: dict[str, np.ndarray]
    """`online` and `held_out` accuracy and the task's own scores, each `[lives]`."""


def entry(row: Candidate, arena: Arena, lives: int, judged: Judged = "online") -> Lived:
    """Tune one candidate, and let it live all lives.

    Args:
        row: the candidate.
        arena: whose lives they are; programs of the row before are dropped.
        lives: how many.
        judged: what tuning chooses by, see `tune`.
    """
    begun, task = time.perf_counter(), arena.task
    tuned = tune(row, arena, lives, judged)
    watch, outcome = arena.reset(), tuned.outcome
    by_life = {"online": outcome.accuracy[0], "held_out": outcome.test[0]}
    if outcome.correct.shape[-1] >= 5 * LATE:
        by_life["late"] = outcome.correct[0, :, -LATE:].mean(axis=-1)
    by_life |= scores(tuned.learner, arena, lives)
    size = footprint(tuned.learner, task.inputs, task.classes)
    updates = size.updates * task.moments  # in a life
    online, test, *others = (_with_interval(values) for values in by_life.values())
    return Lived(
        {
            "name": row.name,
            "found": row.found,
            "told": TOLD if withholds(task) and hears_target(tuned.learner, task) else None,
            "online_accuracy": online[0],
            "online_accuracy_ci": online[1],
            "test_accuracy": test[0],
            "test_accuracy_ci": test[1],
            "scores": {
                name: {"mean": mean, "ci": ci}
                for name, (mean, ci) in zip(list(by_life)[2:], others, strict=True)
            },
            "tuned": tuned.report,
            "diverged": int(outcome.exploded[0].sum()),
            "seconds": time.perf_counter() - begun,
            "synapse_updates": updates,
            "synapse_updates_per_second": (
                updates * watch.lives / watch.living if watch.living > 0 else 0.0
            ),
            "values": size.values,
            "values_per_cell": size.per_cell,
            "values_per_synapse": size.per_synapse,
            "curve": curve(outcome.correct[0]),
        },
        by_life,
    )


def _with_interval(values: np.ndarray) -> tuple[float | None, list[float] | None]:
    """Mean and interval; None where no life has a value."""
    known = values[np.isfinite(values)]
    return (float(known.mean()), interval(known)) if len(known) else (None, None)
