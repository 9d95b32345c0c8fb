"""Which task has scores of its own, seen through the wrappers around it; and where none, why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.class_incremental import ClassIncremental
from metaplast.tasks.detection import Detection
from metaplast.tasks.drifting import Drifting
from metaplast.tasks.wrapper import AbstractWrapper, answered_of, example_moments_of, name_of
from metaplast.types import Episode


class Scored(NamedTuple):
    """What is scored of a task beyond accuracy."""

    part: AbstractTask | None
    """The task itself, or the one in it, that has scores of its own."""
    why: str = ""
    """Why there is none, where one might be missed."""


def scored(task: AbstractTask) -> Scored:
    """The outermost task within this one that has scores, if wrappers around it leave them true.

    That is where they keep its moments and classes, and its targets up to other names; around a
    `Detection`, whose score is of whole pictures, where they keep all that it shows.
    """
    path = next(_paths(task), None)
    if path is None:
        return Scored(None)
    part = path[-1]
    names = "average precision" if isinstance(part, Detection) else "learned, kept and lost"
    if not _kept(path):
        form = "(".join(type(each).__name__ for each in path) + ")" * (len(path) - 1)
        what = "what it shows" if isinstance(part, Detection) else "its moments, classes or targets"
        return Scored(None, f"no {names} of {form}: {what} may be others than those of the "
                      f"{type(part).__name__}; compare it unwrapped to have them")  # fmt: skip
    if isinstance(part, Drifting) and _hanging(task):
        return Scored(None, f"no {names} of {name_of(task)}: its held-out examples may hang on the "
                      "last moments of a life, which are not those of its first half")  # fmt: skip
    return Scored(part)


def half_of(task: AbstractTask) -> int:
    """Moments of the first half of a life, of whole examples."""
    steps = example_moments_of(task)
    return task.moments // steps // 2 * steps


def exchanged(task: AbstractTask, part: AbstractTask, new: AbstractTask) -> AbstractTask:
    """The task with another one in the place of a part, which wrappers alone stand around."""
    if task is part:
        return new
    inner = exchanged(task.task, part, new)  # pyright: ignore[reportAttributeAccessIssue]
    return eqx.tree_at(lambda wrapper: wrapper.task, task, inner)


def _paths(task: AbstractTask) -> Iterator[tuple[AbstractTask, ...]]:
    """From a task to each one within it that has scores, both included, the outermost first."""
    if _has_scores(task):
        yield (task,)
    for inner in (getattr(task, "task", None), *getattr(task, "tasks", ())):
        if isinstance(inner, AbstractTask):
            yield from ((task, *rest) for rest in _paths(inner))


def _has_scores(task: AbstractTask) -> bool:
    if isinstance(task, ClassIncremental):
        return task.stages > 1
    return isinstance(task, Detection) or (isinstance(task, Drifting) and half_of(task) > 1)


def _kept(path: tuple[AbstractTask, ...]) -> bool:
    """Whether the last task of a path is lived in the first one as it would be on its own."""
    outer, part = path[0], path[-1]
    if any(type(each).sample is not AbstractWrapper.sample for each in path[:-1]):
        return False
    if (outer.moments, outer.classes) != (part.moments, part.classes):
        return False
    key = jax.random.key(0)
    lived = jax.device_get(outer.sample(key))
    for _ in path[:-1]:
        key = jax.random.split(key)[0]  # what a wrapper samples its inner task with
    inner = jax.device_get(part.sample(key))
    if isinstance(part, Detection):
        return all(map(np.array_equal, lived, inner))
    return _same_names(lived, inner)


def _same_names(one: Episode, other: Episode) -> bool:
    """Whether targets differ in the names of the classes at most."""
    if any(np.shape(a) != np.shape(b) for a, b in zip(one[1::2], other[1::2], strict=True)):
        return False
    here, there = (np.concatenate(episode[1::2]) for episode in (one, other))
    pairs = np.unique(np.stack([here, there]), axis=1).shape[1]
    return pairs == len(np.unique(here)) == len(np.unique(there))


def _hanging(task: AbstractTask) -> bool:
    """Whether some moments ask for no answer, and held-out examples are not lived in order."""
    answered = answered_of(task)
    return answered is not None and not np.all(answered) and example_moments_of(task) == 1
