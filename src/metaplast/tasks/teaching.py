"""How a task teaches: most tell the target, some say something else, or remember."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.wrapper import AbstractWrapper, name_of
from metaplast.types import State, Teaching


def teach_alike(one: AbstractTask, other: AbstractTask) -> bool:
    """Whether two tasks of the same classes say the same of an answer, and remember alike."""
    if _plain_by_type(one) and _plain_by_type(other):
        return True
    if _remembered(one) != _remembered(other):
        return False
    return _alike(said(one), said(other)) and _alike(_kept(one), _kept(other))


def tells_target(task: AbstractTask) -> bool:
    """Whether a learner of the task hears the target after every answer, as by default."""
    if _plain_by_type(task):
        return True
    if task.memory() is not None:
        return False
    plainly = _said(lambda *answer: AbstractTask.teach(task, *answer), task.classes)
    return _alike(said(task), plainly)


def signals_target(task: Any, readout: Float[Array, " classes"], target: Int[Array, ""]) -> bool:
    """Whether what a task tells the output cells is made of the target, as its program says, so
    that it can be asked while a life is traced."""
    program = jax.make_jaxpr(lambda *answer: task.teach(*answer).signal)(readout, target).jaxpr
    made_of_it = {id(program.invars[1])}
    for step in program.eqns:
        if any(id(value) in made_of_it for value in step.invars):
            made_of_it.update(map(id, step.outvars))
    return id(program.outvars[0]) in made_of_it


def modulator_says(task: AbstractTask) -> str:
    """What the modulator of a task means: `error` where it is larger after a wrong answer, `reward`
    where after a right one, and nothing where it is the same after either.

    A world that remembers may pay late, so it is asked after as many moments as it remembers
    numbers, each of them answered alike.
    """
    with jax.ensure_compile_time_eval():
        readout, last = jnp.arange(task.classes, dtype=float), jnp.asarray(task.classes - 1)
        right, wrong = (_told_late(task, readout, target) for target in (last, last * 0))
    if right == wrong:
        return ""
    return "reward" if right > wrong else "error"


def _told_late(task: AbstractTask, readout, target) -> float:
    memory = task.memory()
    for _ in range(sum(int(np.prod(shape)) for shape in _remembered(task))):
        memory = task.recalled(memory).remember(memory, readout, target)
    return float(task.recalled(memory).teach(readout, target).modulator[0])


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


def _kept(task: AbstractTask) -> list[State]:
    """What a task remembers of one answer at the begin of a life, for the first and the last class:
    what it says later may depend on it."""
    with jax.ensure_compile_time_eval():
        readout, memory = jnp.arange(task.classes, dtype=float), task.memory()
        targets = map(jnp.asarray, (0, task.classes - 1))
        return [task.recalled(memory).remember(memory, readout, target) for target in targets]


def said(task: AbstractTask) -> tuple[Teaching, Teaching]:
    """What a task says of one answer at the begin of a life, for the first and the last class."""
    return _said(task.recalled(task.memory()).teach, task.classes)


def _said(teach: Callable[..., Teaching], classes: int) -> tuple[Teaching, Teaching]:
    with jax.ensure_compile_time_eval():  # a task may be made while a life is traced
        readout = jnp.arange(classes, dtype=float)
        first, last = (teach(readout, jnp.asarray(target)) for target in (0, classes - 1))
    return first, last


def _alike(one: Any, other: Any) -> bool:
    leaves = jax.tree.leaves(one), jax.tree.leaves(other)
    return len(leaves[0]) == len(leaves[1]) and all(map(np.array_equal, *leaves))
