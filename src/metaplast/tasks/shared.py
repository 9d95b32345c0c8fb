"""Which examples of one task another one has as well, however either is wrapped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.few_shot import FewShot

MANY = 0.1
"""Of a pool, as many as this are no chance: data sets hold some examples twice."""


class Shared(NamedTuple):
    """Examples that two pools have in common."""

    name: str
    """Of the other task's pool."""
    count: int
    of: int
    """How many examples there are in that pool."""


def pools_of(task: AbstractTask) -> Iterator[Dataset | FewShot]:
    """The tasks in memory that a task is made of; none of procedural ones."""
    if isinstance(task, (Dataset, FewShot)):
        yield task
    inside = (getattr(task, "task", None), getattr(task, "patches", None))
    for inner in (*inside, *getattr(task, "tasks", ())):
        if isinstance(inner, AbstractTask):
            yield from pools_of(inner)


def for_searches(pool: Dataset | FewShot) -> bool:
    """Whether a pool is the part of its data that is for searches, as its name says (`title`)."""
    return " (search " in pool.name


def shared(one: Dataset | FewShot, other: Dataset | FewShot) -> Shared | None:
    """The examples of both, for lives and held out; None where they are few.

    Told by the stimuli, so the same file is found under another name. An example that a pool has
    twice counts for nothing. What it misses: pictures made of the same digits (`digit_scenes`).
    """
    here, there = (_rows(pool) for pool in (one, other))
    if any(a.shape[1] != b.shape[1] for a in here for b in there):
        return None
    mine, others = (_once(np.concatenate([_marks(part) for part in p])) for p in (here, there))
    count = len(np.intersect1d(mine, others, assume_unique=True))
    if count == 0 or count < MANY * min(len(mine), len(others)):
        return None
    return Shared(other.name, count, len(others))


def _rows(pool: Dataset | FewShot) -> list[np.ndarray]:
    parts = (pool.x,) if isinstance(pool, FewShot) else (pool.x_train, pool.x_test)
    return [np.ascontiguousarray(part, np.float32) for part in parts]


def _marks(x: np.ndarray) -> np.ndarray:
    """A number of 64 bits for each row of `x`, the same for the same row: two weighted sums of its
    bits in integers, which do not depend on the order of the sum."""
    weights = np.random.default_rng(0).integers(0, 2**32, (x.shape[1], 2), np.uint32)
    low, high = (x.view(np.uint32) @ (weights | 1)).T.astype(np.uint64)
    return low | high << np.uint64(32)


def _once(marks: np.ndarray) -> np.ndarray:
    """Those that occur only once."""
    different, times = np.unique(marks, return_counts=True)
    return different[times == 1]
