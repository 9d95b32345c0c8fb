"""Evolution: whole lives and scalar fitness, no derivative of a life."""

from __future__ import annotations

import contextlib
import difflib
import inspect
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from metaplast.meta.abstract import positive_spread
from metaplast.meta.fitness import cloud, fitness
from metaplast.meta.generations import AbstractGenerations
from metaplast.source import Source

PERSISTENT = {"PersistentES": "PES", "NoiseReuseES": "NRES"}
"""Strategies of evosax that want half-lived lives of their caller, and ours that have them."""
COUNTING = ("CMAAnchoredLES",)
"""Strategies of evosax that count in Python what they make of theta's size, so that they are made
before anything is traced. Others round differently there, and stay as they are."""
UNSOUND = {
    "LM_MA_ES": ("leaves the finite numbers on a bowl", "MA_ES"),
    "DiffusionEvolution": ("begins around zero, wherever the search begins", "CMA_ES"),
    **dict.fromkeys(
        ("iAMaLGaM_Full", "iAMaLGaM_Univariate"),
        ("begins one unit around the start, whatever the spread", "CMA_ES"),
    ),
}
"""Strategies of evosax that no search should use: why, and what to give instead."""
SQUARING = ("xNES",)
"""Strategies whose deviation is the square of what they are given."""
NARROWEST = 0.005
"""The smallest radius of gradientless descent as a share of its largest, as evosax has them."""

FEW = 16
"""Candidates of a strategy that is built only to see whether it can be."""
UNKNOWN = 1e10
"""The loss of a first population that has not lived: worse than any, and finite, for strategies
that compare losses by their deviation make no number of infinite ones."""


class Evolution(AbstractGenerations):
    """An evosax strategy by name, such as `CMA_ES`, `SNES` or `Open_ES`.

    Every candidate of a generation lives the same `lives` lives, and whole ones.

    Args:
        strategy: a name from `evosax.algorithms`.
        population: candidates per generation.
        lives: lives per candidate.
        spread: standard deviation of the first generation around the start; `ASEBO` and `GuidedES`
            make it half of that, `LGA` four times. Of `GradientlessDescent`, the largest radius.
            Strategies with a schedule of deviations keep this one throughout.

    References: Lange (2022) arXiv:2212.04180 for the library; Hansen & Ostermeier (2001)
    doi:10.1162/106365601750190398 for CMA-ES.
    """

    source: ClassVar[Source] = Source(
        "Hansen & Ostermeier", 2001,
        "Completely derandomized self-adaptation in evolution strategies",
        "10.1162/106365601750190398",
    )  # fmt: skip
    strategy: str = eqx.field(static=True, default="CMA_ES")
    population: int = eqx.field(static=True, default=32)
    lives: int = eqx.field(static=True, default=4)
    spread: float = eqx.field(static=True, default=0.1)
    steps: int = eqx.field(static=True, default=200)

    def __check_init__(self) -> None:
        for name in ("lives", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 1 or more")
        if self.population < 2:
            raise ValueError(
                f"population = {self.population}: expected 2 or more, for a strategy learns from "
                "what one candidate does better than another; give 32"
            )
        positive_spread(self.spread)
        self.algorithm(jnp.zeros(2), min(self.population, FEW + self.population % 2))

    def algorithm(self, theta, population: int | None = None):
        if self.strategy in PERSISTENT:
            raise ValueError(
                f"strategy = {self.strategy!r}: lives whole lives here, which is not what it is "
                f"for; give type = {PERSISTENT[self.strategy]!r}"
            )
        if self.strategy in UNSOUND:
            why, instead = UNSOUND[self.strategy]
            raise ValueError(f"strategy = {self.strategy!r}: {why}; give {instead!r}")
        # evosax draws flax and matplotlib in, so it is imported only where it is used.
        from evosax.algorithms import algorithms

        if self.strategy not in algorithms:
            near = difflib.get_close_matches(self.strategy, algorithms, 3, 0.3)
            raise ValueError(
                f"strategy = {self.strategy!r}: evosax has none of that name; near it: {near}"
            )
        size = population or self.population
        if self.strategy in COUNTING:
            theta = jax.tree.map(lambda leaf: jnp.zeros(jnp.shape(leaf), leaf.dtype), theta)
        made = algorithms[self.strategy]
        schedule = {}
        if "std_schedule" in inspect.signature(made).parameters:
            schedule["std_schedule"] = optax.constant_schedule(self.spread)
        try:
            with self._made():
                return made(population_size=size, solution=theta, **schedule)
        except AssertionError as fault:
            told = str(fault).rstrip(".") or "not a size that it can have"
            raise ValueError(
                f"population = {self.population}: {self.strategy} says: {told}"
            ) from None
        except TypeError as fault:
            raise ValueError(
                f"strategy = {self.strategy!r}: needs options that cannot be given here ({fault}); "
                "give another one, such as 'CMA_ES'"
            ) from None

    def _made(self) -> contextlib.AbstractContextManager:
        """Where a strategy is made: within what is traced, as far as it can be."""
        counting = self.strategy in COUNTING
        return jax.ensure_compile_time_eval() if counting else contextlib.nullcontext()

    def _params(self, algorithm):
        with self._made():
            params = algorithm.default_params
        if hasattr(params, "std_init"):
            root = self.strategy in SQUARING
            return params.replace(std_init=self.spread**0.5 if root else self.spread)
        if hasattr(params, "radius_max"):
            return params.replace(radius_max=self.spread, radius_min=NARROWEST * self.spread)
        return params

    def init(self, evaluate, theta, key):
        del evaluate
        algorithm = self.algorithm(theta)
        if hasattr(algorithm, "get_mean"):
            return algorithm.init(key, theta, self._params(algorithm))
        # A strategy that keeps a population, not a distribution, starts from a cloud
        # around theta of which nothing is known yet.
        first, inner = jax.random.split(key)
        start = cloud(theta, self.population, self.spread, first)
        unknown = jnp.full((self.population,), UNKNOWN)
        return algorithm.init(inner, start, unknown, self._params(algorithm))

    def step(self, evaluate, theta, state, key):
        algorithm = self.algorithm(theta)
        params = self._params(algorithm)
        ask_key, tell_key, lives_key = jax.random.split(key, 3)
        candidates, state = algorithm.ask(ask_key, state, params)
        lived = fitness(evaluate, candidates, self.lives, lives_key)
        state, _ = algorithm.tell(tell_key, candidates, lived.values, state, params)
        if hasattr(algorithm, "get_mean"):
            theta = algorithm.get_mean(state)
        else:
            theta = jax.tree.map(lambda c: c[jnp.argmin(lived.values)], candidates)
        return theta, state, lived.report
