"""The rule whose network would have done what was recorded, by least squares over whole lives."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.optimize import least_squares

from metaplast.inference.bootstrap import intervals
from metaplast.inference.identifiability import Identifiability, identifiability
from metaplast.inference.recording import Recordings
from metaplast.inference.trajectory import trajectory
from metaplast.network import PlasticNetwork
from metaplast.rules.abstract import AbstractRule
from metaplast.seeds import check_seed
from metaplast.tasks.abstract import AbstractTask


class Inferred(NamedTuple):
    """A rule, and what is known about it."""

    rule: AbstractRule
    """Of the family that was asked for, at the coefficients found."""
    names: list[str]
    """What each coefficient stands for."""
    values: np.ndarray
    """`[coefficients]`."""
    identifiability: Identifiability
    """Which of them, and which combinations, the recordings determine."""
    lower: np.ndarray
    """`[coefficients]`: end of the 95 % bootstrap interval over recordings."""
    upper: np.ndarray
    explained: float
    """Share of the variance of what was recorded, about its mean, that the rule explains."""
    noise: float
    """Standard deviation of what is left, in units of the noise levels that were given."""
    converged: bool
    """Whether the fit ended by itself, before its steps were spent."""


def infer(
    network: PlasticNetwork,
    kind: str,
    task: AbstractTask,
    recordings: Recordings,
    activity_noise: float = 1.0,
    weight_noise: float = 1.0,
    evaluations: int = 100,
    seed: int = 0,
) -> Inferred:
    r"""Find the coefficients of one rule from recordings.

    Minimizes $\sum (\hat a(\theta) - a)^2 / \sigma_a^2 +
    \sum (\hat w(\theta) - w)^2 / \sigma_w^2$ over the whole trajectories of a network that learns
    by $\theta$ from the recorded births (Gauss-Newton in a trust region). Along directions of
    $\theta$ that nothing recorded depends on the coefficients are those where the search began.

    Args:
        network: as it was recorded, with the family of rules in the place of the unknown one, and
            its coefficients where the search begins: `rules.Taylor` at zero, for one. All array
            leaves of that rule are searched.
        kind: of the projections whose rule is unknown.
        task: who taught.
        recordings: one or more; intervals take two.
        activity_noise, weight_noise: noise levels, of which only the ratio matters.
        evaluations: most steps, 1 or more.
        seed: of the bootstrap; below 2**32.

    Raises:
        ValueError: no rule of that kind, one without a coefficient, cells that draw noise, nothing
            recorded, values that are not finite, there or where the search begins; a noise level
            that is not positive, no step, a seed that is none.

    References: Mehta et al. (2024) doi:10.1101/2023.12.11.571103. Where we deviate: Gauss-Newton
    instead of Adam, no penalty on the coefficients, and a report of what is not determined.
    """
    for name, level in (("activity_noise", activity_noise), ("weight_noise", weight_noise)):
        if not (level > 0 and math.isfinite(level)):
            raise ValueError(f"{name} = {level}: expected a finite positive number; give 1.0")
    if evaluations < 1:
        raise ValueError(f"evaluations = {evaluations}: expected 1 or more; give 100")
    check_seed(seed)
    rule = network.genome.rules.get(kind)
    if rule is None:
        raise ValueError(f"kind = {kind!r}: no rule; there are {sorted(network.genome.rules)}")
    searched, fixed = eqx.partition(rule, eqx.is_inexact_array)
    start, unravel = ravel_pytree(searched)
    if not start.size:
        raise ValueError(f"network: {type(rule).__name__} has no array leaf to infer; give one")
    if network.noisy:
        raise ValueError("network: some of its cells draw noise, expected none; give other neurons")
    _check(recordings)
    levels = [activity_noise] * len(recordings.seen.activity) + [weight_noise] * len(
        recordings.seen.weights
    )

    def with_rule(theta) -> PlasticNetwork:
        found = {**network.genome.rules, kind: eqx.combine(unravel(theta), fixed)}
        return PlasticNetwork(network.circuit, dataclasses.replace(network.genome, rules=found))

    def missed(theta, one: Recordings):
        """What the rule gets wrong in one recording, in units of noise."""
        made = trajectory(
            with_rule(theta), task, one.born, one.stimuli, one.targets,
            tuple(one.seen.activity), tuple(one.seen.weights),
        )  # fmt: skip
        parts = zip(jax.tree.leaves(made), jax.tree.leaves(one.seen), levels, strict=True)
        return jnp.concatenate([((a - b) / level).reshape(-1) for a, b, level in parts])

    rest = jax.jit(jax.vmap(missed, (None, 0)))
    slope = jax.jit(jax.vmap(jax.jacfwd(missed), (None, 0)))

    def flat(function, theta):
        found = np.asarray(function(jnp.asarray(theta, start.dtype), recordings), float)
        return found.reshape(found.shape[0] * found.shape[1], *found.shape[2:])

    if not np.isfinite(flat(rest, start)).all():
        raise ValueError(
            f"network: learns by {type(rule).__name__} to values that are not finite where the "
            "search begins; begin at smaller coefficients, such as zero"
        )
    solved = least_squares(
        lambda theta: flat(rest, theta), np.asarray(start, float),
        jac=lambda theta: flat(slope, theta),  # type: ignore[arg-type]
        x_scale="jac", max_nfev=evaluations,
        ftol=1e-7, xtol=1e-7,
        gtol=None,  # type: ignore[arg-type]  # it has units, and the others have none
    )  # fmt: skip
    known = identifiability(flat(slope, solved.x), flat(rest, solved.x))
    values = _undrifted(solved.x, np.asarray(start, float), known.null)
    theta = jnp.asarray(values, start.dtype)
    residuals = np.asarray(rest(theta, recordings), float)
    slopes = np.asarray(slope(theta, recordings), float)
    known = identifiability(slopes.reshape(-1, start.size), residuals.reshape(-1))
    lower, upper = intervals(values, residuals, slopes, known, seed)
    return Inferred(
        eqx.combine(unravel(theta), fixed), _names(rule, start.size), values, known, lower, upper,
        _explained(residuals, recordings, levels), known.noise, bool(solved.status > 0),
    )  # fmt: skip


def _undrifted(found: np.ndarray, start: np.ndarray, null: np.ndarray) -> np.ndarray:
    """The fit without what it moved along directions that change nothing: rounding errors do so."""
    drift = np.linalg.lstsq(null.T, found - start, rcond=None)[0] if len(null) else np.zeros(0)
    return found - null.T @ drift


def _check(recordings: Recordings) -> None:
    leaves = jax.tree.leaves(recordings.seen)
    if not leaves:
        raise ValueError("recordings: nothing was recorded; give activity, weights or both")
    if not all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in leaves):
        raise ValueError("recordings: values that are not finite; leave those recordings out")


def _names(rule: AbstractRule, size: int) -> list[str]:
    """What a rule calls its coefficients; their places where it does not."""
    own: Any = getattr(rule, "terms", None)
    return list(own) if own is not None and len(own) == size else [f"θ{i}" for i in range(size)]


def _explained(residuals: np.ndarray, recordings: Recordings, levels: list[float]) -> float:
    leaves = zip(jax.tree.leaves(recordings.seen), levels, strict=True)
    spread = sum(float(((leaf - leaf.mean()) ** 2).sum()) / level**2 for leaf, level in leaves)
    return 1.0 - float((residuals**2).sum()) / spread if spread > 0 else float("nan")
