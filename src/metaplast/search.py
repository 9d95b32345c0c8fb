"""The outer loop at work: many compiled meta-steps to a dispatch, a report between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from metaplast import program
from metaplast.fitting import fitting
from metaplast.lives import lives_of
from metaplast.meta import AbstractMetaOptimizer
from metaplast.meta.abstract import Evaluate
from metaplast.program import Given, Program
from metaplast.shelf import Shelf
from metaplast.spread import everywhere, most_at_once
from metaplast.types import Key

MOST = 64
"""Most meta-steps in one dispatch."""


class Position(NamedTuple):
    """Everything that a search has to remember to go on, bit for bit."""

    theta: Any
    """The searchable leaves of the genome."""
    outer: Any
    """State of the meta-optimizer."""
    key: Key
    step: Int[Array, ""]


class Progress(NamedTuple):
    """What a search tells between two dispatches; the arrays hold one value per meta-step."""

    position: Position
    loss: np.ndarray
    accuracy: np.ndarray
    lost: np.ndarray
    seconds: float
    """Wall time of the dispatch."""

    @property
    def step(self) -> int:
        return int(self.position.step)


Searched = Any
"""What a search begins with: a genome; or any other tree, with an objective that takes it."""


def searchable(leaf) -> bool:
    """Whether a search may touch a leaf: a float array without infinities.

    The logarithm of a rate of zero is infinite: what is switched off stays off.
    """
    # NumPy, for JAX would compile a program for every shape there is.
    return eqx.is_inexact_array(leaf) and bool(np.all(np.isfinite(np.asarray(leaf))))


def begin(objective: Evaluate, genome: Searched, meta: AbstractMetaOptimizer, key: Key) -> Position:
    """The position before the first meta-step.

    Raises:
        ValueError: the meta-optimizer does not fit the objective.
    """
    init_key, run_key = jax.random.split(key)
    theta, fixed = eqx.partition(genome, searchable)
    outer = meta.init(lives_of(objective, fixed), theta, init_key)
    position = Position(theta, outer, run_key, jnp.asarray(0))
    return everywhere(jax.tree.map(_strong, position))


def traced(
    objective: Evaluate,
    genome: Searched,
    meta: AbstractMetaOptimizer,
    position: Position,
    most: int = MOST,
    shelf: Shelf | None = None,
    given: Given | None = None,
) -> Program:
    """The loop of meta-steps `(position, tasks, count) -> (position, records)`, not yet compiled.

    Args:
        objective, genome, meta, position, most: as `search` takes them.
        shelf: where traced programs are kept from run to run, if anywhere.
        given: as `program.traced` takes it.
    """
    tasks, static = eqx.partition(objective, eqx.is_array)
    _, fixed = eqx.partition(genome, searchable)

    # The arrays of the task are an argument: as constants they would be compiled in.
    def dispatch(position: Position, tasks, count):
        evaluate = lives_of(eqx.combine(tasks, static), fixed)

        def one(index, carry):
            position, records = carry
            key = jax.random.fold_in(position.key, position.step)
            theta, outer, step = meta.step(evaluate, position.theta, position.outer, key)
            row = jnp.stack([step.score.loss, step.score.accuracy, step.lost])
            return Position(theta, outer, position.key, position.step + 1), records.at[index].set(
                row
            )

        return jax.lax.fori_loop(0, count, one, (position, jnp.zeros((most, 3))))

    arguments = (position, tasks, jnp.asarray(1, jnp.int32))
    # What is searched is an argument as well, so that another seed needs no other program.
    about = (static, fixed, meta, most, most_at_once())
    return program.traced(dispatch, arguments, (position, 0), shelf, about, given)


def found(genome: Searched, position: Position) -> Searched:
    """The genome that stands at a position of a search that began at `genome`."""
    _, fixed = eqx.partition(genome, searchable)
    return eqx.combine(position.theta, fixed)


def search(
    objective: Evaluate,
    genome: Searched,
    meta: AbstractMetaOptimizer,
    position: Position,
    steps: int,
    patience: float = 2.0,
    most: int = MOST,
    should_stop: Callable[[], bool] = lambda: False,
    dispatch: Callable[..., Any] | None = None,
) -> Iterator[Progress]:
    """Search from `position` until meta-step `steps`, reporting about every `patience` seconds.

    How many meta-steps share a dispatch is chosen from the time they take and changes
    nothing else: the key of a step depends on its number alone, and one compiled loop
    serves all lengths. So a search that is interrupted and resumed finds the same bits.

    Args:
        objective: whose loss is minimized.
        genome: where the search began; it gives the leaves that are not searchable.
        meta: the outer loop.
        position: where to go on from.
        steps: the meta-step to stop at.
        patience: wanted seconds between reports.
        most: most meta-steps in one dispatch.
        should_stop: asked between dispatches.
        dispatch: what `traced` gives for these arguments, compiled, if the caller has it already.
    """
    first, tasks = everywhere((position, eqx.filter(objective, eqx.is_array)))

    def trace(shelf: Shelf | None) -> Program:
        return traced(objective, genome, meta, first, most, shelf)

    position, count = first, 1
    while int(position.step) < steps and not should_stop():
        count = min(count, steps - int(position.step), most)
        if dispatch is None:
            dispatch = fitting(trace).compiled()
        start = time.perf_counter()
        done = dispatch(position, tasks, everywhere(jnp.asarray(count, jnp.int32)))
        position, records = jax.block_until_ready(done)
        seconds = time.perf_counter() - start
        rows = np.asarray(records)[:count]
        yield Progress(position, rows[:, 0], rows[:, 1], rows[:, 2], seconds)
        count = max(1, min(2 * count, int(count * patience / seconds)))


def _strong(leaf):
    """The array without JAX's weak type, which the loop would not give back."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) or not leaf.weak_type:
        return leaf
    return jnp.asarray(np.asarray(leaf))  # through NumPy, which has no weak types
