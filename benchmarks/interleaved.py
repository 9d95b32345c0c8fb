"""Contenders timed in turn, A B A B, so that a noisy machine is equally noisy to all of them.

Seconds differ from machine to machine and from hour to hour. The ratio of two contenders is taken
within each repetition, and its median over repetitions is the figure.
"""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

REPETITIONS = 7


class Contender(NamedTuple):
    """Somebody who is timed."""

    name: str
    prepare: Callable[[], Callable[[], Any]]
    """Builds, compiles and warms up; returns one repetition, which blocks until it is done."""


class Spread(NamedTuple):
    """Median and quartiles over repetitions."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray) -> Spread:
        low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
        return cls(float(median), float(low), float(high))

    def __str__(self) -> str:
        return f"{short(self.median)} [{short(self.low)}, {short(self.high)}]"


@dataclasses.dataclass(frozen=True)
class Times:
    """What was measured."""

    names: tuple[str, ...]
    seconds: np.ndarray
    """One row per repetition, one column per contender."""
    preparing: dict[str, float]
    """Seconds until the end of the first, untimed repetition: building and compiling."""

    def each(self, name: str) -> np.ndarray:
        """Seconds of every repetition of one contender."""
        return self.seconds[:, self.names.index(name)]

    def of(self, name: str) -> Spread:
        """Seconds of one contender."""
        return Spread.of(self.each(name))

    def ratio(self, a: str, b: str) -> Spread:
        """How many times longer `a` takes than `b`, repetition by repetition."""
        return Spread.of(self.each(a) / self.each(b))


def interleave(
    contenders: Sequence[Contender], repetitions: int = REPETITIONS, settled: bool = False
) -> Times:
    """Prepare all contenders, then time them in turn.

    Args:
        contenders: who is timed.
        repetitions: how often.
        settled: whether each runs once more before it is timed, for those that take far less time
            or memory than the one before them, whose memory may still be on its way back.
    """
    ready, preparing = [], {}
    for contender in contenders:
        begun = time.perf_counter()
        ready.append(contender.prepare())
        preparing[contender.name] = time.perf_counter() - begun
    times = timed_again if settled else timed
    seconds = np.array([[times(once) for once in ready] for _ in range(repetitions)])
    return Times(tuple(c.name for c in contenders), seconds, preparing)


def interleave_alone(contenders: Sequence[Contender], repetitions: int = REPETITIONS) -> Times:
    """As `interleave`, for contenders that do not fit into memory together: each is built anew for
    every repetition, when the one before is gone."""
    seconds, preparing = [], {}
    for _ in range(repetitions):
        row = []
        for contender in contenders:
            begun = time.perf_counter()
            once = contender.prepare()
            preparing.setdefault(contender.name, time.perf_counter() - begun)
            row.append(timed(once))
            del once
            gc.collect()
        seconds.append(row)
    return Times(tuple(c.name for c in contenders), np.array(seconds), preparing)


def timed(once: Callable[[], Any]) -> float:
    """Seconds of one call."""
    begun = time.perf_counter()
    once()
    return time.perf_counter() - begun


def timed_again(once: Callable[[], Any]) -> float:
    """Seconds of the second of two calls."""
    once()
    return timed(once)


def compiled(name: str, function: Callable, *arguments) -> Contender:
    """A contender that is one JAX function of the given arrays, compiled as one program."""

    def prepare():
        program = jax.jit(function)

        def once():
            return jax.block_until_ready(program(*arguments))

        once()
        return once

    return Contender(name, prepare)


def short(value: float) -> str:
    """Three significant digits, without an exponent but for the very small."""
    if value == 0 or abs(value) >= 100 or np.isnan(value):
        return f"{value:.0f}"
    if abs(value) < 1e-4:
        return f"{value:.2e}"
    value = float(f"{value:.3g}")  # .9996 is 1.00, and not 1.000
    digits = 2 - int(np.floor(np.log10(abs(value))))
    return f"{value:.{digits}f}"
