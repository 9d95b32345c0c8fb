"""What the candidates of a generation are worth, those without a number included."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from metaplast.meta.abstract import Evaluate, Step
from metaplast.spread import spread
from metaplast.types import Key


class Fitness(NamedTuple):
    """One generation, judged."""

    values: Float[Array, " candidates"]
    """Mean loss of each; of one that has none, more than the worst loss that anyone has."""
    scores: Any
    """What each life reports, leaves `[candidates, lives]`."""
    lost: Float[Array, ""]
    """Fraction of the candidates that have none."""
    sound: Bool[Array, " candidates"]
    """Which of them have one."""

    @property
    def report(self) -> Step:
        """What the generation tells of itself, over the candidates and lives that have a number; no
        number where none has."""

        def mean(leaf):
            sound = jnp.isfinite(leaf)
            return jnp.sum(jnp.where(sound, leaf, 0.0)) / jnp.sum(sound)

        # Of the others only the rank is known: what stands for it in `values` is nobody's loss.
        counted = jnp.sum(jnp.where(self.sound, self.values, 0.0))
        loss = counted / jnp.sum(self.sound)
        return Step(loss, jax.tree.map(mean, self.scores), self.lost)


def fitness(
    evaluate: Evaluate,
    candidates: Any,
    lives: int,
    key: Key,
    worlds: Int[np.ndarray, " candidates"] | None = None,
) -> Fitness:
    """Let candidates live the same lives (common random numbers), so that they differ by their
    genes and not by their luck.

    Args:
        evaluate: the objective.
        candidates: leaves `[candidates, ...]`.
        lives: lives of each.
        key: of the lives.
        worlds: where given, the number of the set of lives that each candidate lives; else all live
            the same.
    """
    if worlds is None:
        # Closed over, so that what does not depend on a candidate (the episodes, the weights at
        # birth) is drawn once for all of them.
        shared = jax.random.split(key, lives)
        losses, scores = spread(lambda one: _lived(evaluate, one, shared), candidates, lives=lives)
    else:
        items = candidates, keys_of(worlds, key, lives)
        losses, scores = spread(lambda item: _lived(evaluate, *item), items, lives=lives)
    finite = jnp.isfinite(losses)
    sound = jnp.all(finite, axis=1)
    worst = jnp.max(jnp.where(finite, losses, -jnp.inf))
    worst = jnp.where(jnp.any(finite), worst, 0.0)
    beyond = jnp.maximum(worst + 1.0, jnp.nextafter(worst, jnp.inf))  # 1 is nothing to a large loss
    values = jnp.where(sound, jnp.mean(losses, axis=1), beyond)
    return Fitness(values, scores, jnp.mean(~sound), sound)


def _lived(evaluate: Evaluate, candidate: Any, keys):
    """Losses and reports of a candidate's lives."""
    return jax.vmap(lambda key: evaluate(candidate, key))(keys)


def keys_of(worlds: Int[np.ndarray, " candidates"], key: Key, *lives: int):
    """Keys of what each candidate lives, `[candidates, *lives]`: the same for those whose number of
    a set of lives is the same."""
    return jax.random.split(key, (int(worlds.max()) + 1, *lives))[worlds]


def cloud(theta, population: int, spread: float, key: Key):
    """Candidates around theta, leaves `[population, ...]`."""
    leaves, tree = jax.tree.flatten(theta)
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(
        tree,
        [
            leaf + spread * jax.random.normal(k, (population, *leaf.shape), leaf.dtype)
            for leaf, k in zip(leaves, keys, strict=True)
        ],
    )
