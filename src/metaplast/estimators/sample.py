"""Many estimates of the meta-gradient at one and the same theta."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.fitting import fitted
from metaplast.meta import AbstractDescent, AbstractHalfLived
from metaplast.meta.abstract import Evaluate, Lives
from metaplast.meta.whole_lives import as_lives
from metaplast.spread import everywhere
from metaplast.types import Key


class Sample(NamedTuple):
    """Estimates of one estimator; those of half-lived lives are of all ages alike."""

    gradients: np.ndarray
    """`[cycles, steps, lives, numbers]`: one of each life (or pair) a meta-step, and as many
    meta-steps in a cycle as a life has stretches. What was lost is NaN."""
    seconds: float
    """Of one meta-step's estimate, once compiled."""
    bytes: int
    """Working memory of one meta-step's estimate, on all devices."""

    @property
    def mean(self) -> np.ndarray:
        """The best guess `[numbers]` at what the estimator expects."""
        return _mean(self.gradients, (0, 1, 2))

    @property
    def each(self) -> np.ndarray:
        """The estimate of every meta-step, `[estimates, numbers]`."""
        return _mean(self.gradients, 2).reshape(-1, self.gradients.shape[-1])

    @property
    def variance(self) -> float:
        """Expected squared distance of a meta-step's estimate from their mean; no number where
        fewer than two were not lost."""
        sound = self.each[np.isfinite(self.each).all(-1)]
        return float(np.sum(np.var(sound, 0, ddof=1))) if len(sound) > 1 else float("nan")

    @property
    def error(self) -> np.ndarray:
        """Standard error of the mean `[numbers]`; no number where fewer than two were not lost.

        Lives are independent of each other. One that was begun in a cycle ends in the next, so
        that neighboring cycles of the same life are not, and cycles further apart are.
        """
        off = _mean(self.gradients, 1) - self.mean
        together = off[1:] * off[:-1]
        known, pairs = (np.sum(~np.isnan(a), (0, 1)) for a in (off, together))
        shared = 2.0 * np.nansum(together, (0, 1))  # of all pairs, each of which counts twice
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = np.nansum(off**2, (0, 1)) / (known - 1)
            spread = spread + np.where(pairs > 0, np.maximum(shared / known, 0.0), 0.0)
            return np.sqrt(np.where(known > 1, spread, np.nan) / known)

    @property
    def lost(self) -> float:
        """Share of the estimates that were not finite."""
        return float(np.mean(~np.isfinite(self.gradients).all(-1)))


def _mean(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Of what is a number; no number, and no warning, where none is."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.sum(np.where(known, values, 0.0), axis) / np.sum(known, axis)


def sample(
    meta: AbstractDescent, evaluate: Evaluate | Lives, theta: Any, cycles: int, key: Key
) -> Sample:
    """Let an estimator estimate again and again, while theta stays where it is.

    Args:
        meta: the estimator; its optimizer is not used, nothing is clipped.
        evaluate: the objective.
        theta: where.
        cycles: repetitions. Half-lived lives first go through one more.
        key: of everything.
    """
    hold_key, run_key = jax.random.split(key)
    held = everywhere(meta.hold(evaluate, theta, hold_key))
    theta, run_key = everywhere((theta, run_key))

    def estimate(theta, held, key):
        (gradients, _), held = meta.estimate(evaluate, theta, held, key)
        sound = jnp.all(jnp.isfinite(gradients), 1, keepdims=True)
        return jnp.where(sound, gradients, jnp.nan), held

    compiled = fitted(estimate, (theta, held, run_key), (0, held))
    steps, burnt = 1, 1
    if isinstance(meta, AbstractHalfLived):
        lives = as_lives(evaluate)
        steps = burnt = lives.horizon // meta.moments(lives)
    made, began = [], time.perf_counter()
    for number in range(burnt + cycles * steps):
        if number == burnt:
            began = time.perf_counter()
        gradients, held = compiled(theta, held, everywhere(jax.random.fold_in(run_key, number)))
        made.append(np.asarray(gradients, np.float64))
    seconds = (time.perf_counter() - began) / (cycles * steps)
    found = np.stack(made[burnt:])
    return Sample(found.reshape(cycles, steps, *found.shape[1:]), seconds, compiled.bytes)
