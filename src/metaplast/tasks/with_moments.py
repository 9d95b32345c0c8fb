"""The same task with lives of another length."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import equinox as eqx

from metaplast.tasks.abstract import AbstractTask


def with_moments(task: AbstractTask, moments: int) -> AbstractTask:
    """Return `task` with lives of `moments`, however deep it is wrapped.

    Args:
        task: a task with a field `moments`, or a wrapper (a field `task`, `tasks` or
            `patches`) of such tasks.
        moments: the new length of a life.

    Raises:
        ValueError: where `moments` is not a positive integer, or the task has none of
            these fields.
    """
    record = cast(Any, task)
    fields = {field.name for field in dataclasses.fields(record)}
    if "moments" in fields:
        return dataclasses.replace(record, moments=moments)
    if "task" in fields:
        return dataclasses.replace(record, task=with_moments(record.task, moments))
    if "patches" in fields:  # a detection task, built of pictures that it does not keep
        return eqx.tree_at(lambda t: t.patches, record, with_moments(record.patches, moments))
    if "tasks" in fields:
        inner = tuple(with_moments(one, moments) for one in record.tasks)
        return dataclasses.replace(record, tasks=inner)
    raise ValueError(
        f"task: {type(task).__name__} has no field `moments`, `task` or `tasks`, so the length of "
        "its lives is its own affair; make it with the length that you want"
    )
