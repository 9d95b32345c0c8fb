"""What can be done for a search before it has a folder: its loop, traced and being compiled."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import jax

from metaplast.aside import aside
from metaplast.experiment import Experiment
from metaplast.fitting import fitting
from metaplast.foreseen import Foreseen
from metaplast.preflight import differentiated
from metaplast.program import Program
from metaplast.search import Position, begin, traced
from metaplast.shelf import Shelf
from metaplast.types import Key

Loop = Callable[..., Any]
"""The compiled loop of meta-steps, as `search` takes it."""


def compiling(
    experiment: Experiment, shelf: Shelf | None = None, foreseen: Foreseen | None = None
) -> Future[Loop]:
    """Trace the loop of meta-steps, and begin to compile it in another thread.

    The compiler needs no Python, so whatever else a start takes can be done meanwhile.

    Args:
        experiment: whose loop it is.
        shelf: where traced programs are kept from run to run, if anywhere.
        foreseen: what is being compiled already, in case it is this.
    """
    position, _ = start(experiment)
    parts = experiment.objective, experiment.genome, experiment.meta

    def trace(shelf: Shelf | None) -> Program:
        return traced(*parts, position, shelf=shelf, given=foreseen and foreseen.given)

    with differentiated(experiment.meta):
        loop = fitting(trace, shelf)
    return aside(loop.compiled)


def start(experiment: Experiment) -> tuple[Position, Key]:
    """The position before the first meta-step, and the key of the reference."""
    search_key, reference_key = jax.random.split(jax.random.key(experiment.seed))
    position = begin(experiment.objective, experiment.genome, experiment.meta, search_key)
    return position, reference_key
