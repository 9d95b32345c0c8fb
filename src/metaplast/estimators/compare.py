"""All estimators of the meta-gradient on one experiment: bias, variance, cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from metaplast.derivable import reach
from metaplast.estimators.horizon import Agreement, agreement, lyapunov
from metaplast.estimators.sample import Sample, sample
from metaplast.experiment import Experiment
from metaplast.lives import lives_of
from metaplast.meta import ES, NRES, PES, AbstractDescent, Backprop, Forward, LowRankES, Truncated
from metaplast.meta.abstract import Lives
from metaplast.meta.stretches import nearest
from metaplast.preflight import check
from metaplast.search import searchable
from metaplast.types import Key
from metaplast.varied import Varied

SMALL = 64
"""Most numbers of theta that tangents are carried for."""
STRETCHES = 10
"""Stretches of a life, about, where nobody says how long one is."""
REFERENCE = 8
"""Times as many lives for the exact gradient as for the row of backprop itself."""


class Budget(NamedTuple):
    """What every estimator is given."""

    lives: int = 8
    """Lives at once; pairs are two of them."""
    cycles: int = 8
    """Repetitions: estimates, or whole passes through all stretches of a life."""
    spread: float = 0.03
    """Standard deviation of perturbations of theta."""
    stretch: int | None = None
    """Moments of a stretch."""


class Row(NamedTuple):
    """One estimator. What is relative is relative to the length of the exact gradient."""

    name: str
    bias: float
    """Distance of its mean from the exact gradient, what the noise of both explains taken off."""
    noise: float
    """Distance that this noise explains: a bias below it cannot be told from none."""
    variance: float
    """Expected squared distance of one estimate from their mean."""
    cosine: float
    """Of one estimate that was not lost and the exact gradient, on average."""
    mean_cosine: float
    """Of the mean of all estimates and the exact gradient."""
    lost: float
    seconds: float
    bytes: int
    own: float = 0.0
    """The part of `noise` that is that of its own mean, and not of the exact gradient."""
    doubt: float = 0.0
    """Length of the standard error of its mean, relative to the mean itself, which is as long as
    its noise where there is nothing but noise."""
    own_variance: float = 0.0
    """The variance relative to the squared length of its own mean, which is known without an exact
    gradient, too."""

    def cost(self, judged: bool) -> float:
        """Seconds per estimate, times its squared error: of two, the lower gets further.

        Args:
            judged: whether the exact gradient counts; else its bias is not known, and its error is
                what it differs from its own mean.
        """
        error = self.variance + self.bias**2 if judged else self.own_variance
        return self.seconds * (1 + error)


class Comparison(NamedTuple):
    """Everything that the command prints."""

    numbers: int
    """Of theta."""
    horizon: int
    stretch: int
    exact: float
    """Length of the exact gradient; NaN where there is none."""
    rows: list[Row]
    agreement: Agreement
    lyapunov: np.ndarray
    reached: bool
    """Whether derivatives reach theta at all."""


def compare(
    experiment: Experiment,
    budget: Budget,
    key: Key,
    told: Callable[[str], None] = lambda name: None,
) -> Comparison:
    """Measure every estimator at the start of an experiment.

    Args:
        experiment: whose objective and genome are used; its own meta-optimizer is not.
        budget: what each is given.
        key: of everything.
        told: told what is about to be measured.

    Raises:
        ValueError: lives cannot be cut, or not into such stretches, or there is not enough memory
            for so many.
    """
    theta, fixed = eqx.partition(experiment.genome, searchable)
    theta = jax.tree.map(lambda leaf: jax.numpy.asarray(np.asarray(leaf)), theta)
    lives = lives_of(experiment.objective, fixed)
    if not isinstance(lives, Lives):
        raise ValueError(_uncut(experiment.objective))
    stretch = budget.stretch or stretch_of(lives)
    numbers = ravel_pytree(theta)[0].size
    reached = bool(reach(lives.plain, theta, jax.random.key(0)).alive)
    keys = dict(zip(("rows", "agree", "grow"), jax.random.split(key, 3), strict=True))
    rows, exact = [], None
    metas = estimators(budget, stretch, numbers, reached)
    for meta in metas.values():
        check(experiment._replace(meta=meta))
    for index, (name, meta) in enumerate(metas.items()):
        told(name)
        exactly = name == "Backprop"  # it comes first: most of its estimates are the reference
        cycles = budget.cycles * (1 + REFERENCE * exactly)
        found = sample(meta, lives, theta, cycles, jax.random.fold_in(keys["rows"], index))
        if exactly:
            exact = found._replace(gradients=found.gradients[budget.cycles :])
            found = found._replace(gradients=found.gradients[: budget.cycles])
        rows.append(row(name, found, exact))
    told("agreement with finite differences")
    agreed = agreement(lives, theta, stretch, budget.spread, 4, 4, keys["agree"])
    told("Lyapunov exponent")
    grown = lyapunov(lives, theta, stretch, 4, keys["grow"])
    length = float(np.linalg.norm(exact.mean)) if exact else float("nan")
    return Comparison(numbers, lives.horizon, stretch, length, rows, agreed, grown, reached)


def _uncut(objective: Any) -> str:
    """Why lives cannot be cut into stretches, and what helps."""
    if isinstance(objective, Varied):
        return (
            "variants: lives in several settings are lived whole, and cannot be cut into "
            "stretches; measure without them: --set 'variants=[]'"
        )
    return "objective: its lives cannot be cut into stretches; give a task"


def estimators(
    budget: Budget, stretch: int, numbers: int, reached: bool
) -> dict[str, AbstractDescent]:
    """Every estimator that can be used, with as many lives at once as the others."""
    lives, pairs = max(2, budget.lives), max(1, budget.lives // 2)
    found: dict[str, AbstractDescent] = {}
    if reached:
        found["Backprop"] = Backprop(lives=lives)
        found["Truncated"] = Truncated(lives=lives, stretch=stretch)
        if numbers <= SMALL:
            found["Forward"] = Forward(lives=lives, stretch=stretch)
    found["ES"] = ES(lives=pairs, spread=budget.spread)
    found["LowRankES"] = LowRankES(lives=pairs, spread=budget.spread)
    found["PES"] = PES(lives=pairs, stretch=stretch, spread=budget.spread)
    found["NRES"] = NRES(lives=pairs, stretch=stretch, spread=budget.spread)
    return found


def row(name: str, found: Sample, exact: Sample | None) -> Row:
    """One estimator against the exact gradient, or, where there is none, against itself."""
    nan = float("nan")
    itself = _over(found.variance, float(np.sum(found.mean**2)))
    if exact is None:
        return Row(
            name, nan, nan, itself, nan, nan, found.lost, found.seconds, found.bytes, nan,
            doubt(found), itself,
        )  # fmt: skip
    truth = exact.mean
    length = float(np.linalg.norm(truth))
    own = float(np.sum(found.error**2))
    noise = own + float(np.sum(exact.error**2))
    distance = float(np.sum((found.mean - truth) ** 2))
    cosines = np.array([cosine(one, truth) for one in found.each])
    known = np.isfinite(cosines)
    return Row(
        name,
        _over(float(np.maximum(0.0, distance - noise)) ** 0.5, length),
        _over(noise**0.5, length),
        _over(found.variance, length**2),
        float(np.mean(cosines[known])) if known.any() else nan,
        cosine(found.mean, truth),
        found.lost,
        found.seconds,
        found.bytes,
        _over(own**0.5, length),
        doubt(found),
        itself,
    )


def _over(value: float, length: float) -> float:
    """A share of a length; NaN where there is none."""
    return value / length if length > 0 else float("nan")


def doubt(found: Sample) -> float:
    """Noise of the mean of an estimator, relative to it; infinite where the mean is zero."""
    length = float(np.linalg.norm(found.mean))
    return float(np.linalg.norm(found.error)) / length if length > 0 else float("inf")


def cosine(a: Any, b: Any) -> float:
    """Of the angle between two vectors; NaN where one of them is zero."""
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.dot(a, b)) / size if size > 0 else float("nan")


def stretch_of(lives: Lives) -> int:
    """The stretch that cuts lives into about `STRETCHES`."""
    return nearest(lives.stretches, lives.horizon / STRETCHES)[0]
