"""How a task teaches: most tell the target, some say something else, or remember."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.wrapper import AbstractWrapper, name_of
from metaplast.types import Teaching


def teach_alike(one: AbstractTask, other: AbstractTask) -> bool:
    """Whether two tasks of the same classes say the same of an answer, and remember alike."""
    if _plain_by_type(one) and _plain_by_type(other):
        return True
    if _remembered(one) != _remembered(other):
        return False
    return _same(*(_told(_teacher(task), one.classes) for task in (one, other)))


def tells_target(task: AbstractTask) -> bool:
    """Whether a learner of the task hears the target after every answer, as by default."""
    if _plain_by_type(task):
        return True
    if task.memory() is not None:
        return False
    plainly = _told(lambda *answer: AbstractTask.teach(task, *answer), task.classes)
    return _same(_told(_teacher(task), task.classes), plainly)


def plainly_taught(task: AbstractTask, outer: str) -> AbstractTask:
    """The task, if whoever wraps it and changes its classes may teach plainly in its place.

    Raises:
        ValueError: its teaching would be lost.
    """
    if not tells_target(task):
        raise ValueError(
            f"task: {name_of(task)} does not tell the target, and {outer} would; wrap the other "
            f"way round, {outer} innermost"
        )
    return task


def _plain_by_type(task: AbstractTask) -> bool:
    """Whether nobody in a chain of wrappers has a way to teach of their own."""
    while type(task).teach is AbstractWrapper.teach:
        task = task.task  # pyright: ignore[reportAttributeAccessIssue]
    return type(task).teach is AbstractTask.teach


def _remembered(task: AbstractTask) -> list[tuple[int, ...]]:
    return [leaf.shape for leaf in jax.tree.leaves(task.memory())]


def _teacher(task: AbstractTask) -> Callable[..., Teaching]:
    return task.recalled(task.memory()).teach


def _told(teach: Callable[..., Teaching], classes: int) -> list[np.ndarray]:
    """What is said of one answer for the first and for the last class."""
    with jax.ensure_compile_time_eval():  # a task may be made while a life is traced
        readout = jnp.arange(classes, dtype=float)
        said = [teach(readout, jnp.asarray(target)) for target in (0, classes - 1)]
        return [np.asarray(leaf) for leaf in jax.tree.leaves(said)]


def _same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))
