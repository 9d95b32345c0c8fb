"""Episodes and lives for tests: compiled twice as fast, and run once."""

from __future__ import annotations

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from metaplast.lifetime import live
from metaplast.lifetime import test_accuracy as held_out_accuracy

QUICK = {"xla_backend_optimization_level": 0}


def many(task, count: int = 40, seed: int = 0):
    """`count` episodes, as NumPy arrays."""
    return jax.tree.map(np.asarray, _sampled(task, _keys(seed, count)))


@functools.partial(jax.jit, compiler_options=QUICK)
def _sampled(task, keys):
    return jax.vmap(task.sample)(keys)


class Lived(NamedTuple):
    """Some lives of one learner."""

    correct: np.ndarray
    """`[lives, moments]`."""
    episode: tuple
    readouts: np.ndarray
    """`[lives, held_out, classes]`, at the end."""
    test: float
    """Mean accuracy on held-out examples."""
    life: object


def lived(task, learner, lives: int = 10, seed: int = 0) -> Lived:
    """Let a learner live, each life on its own key."""
    arrays, rest = eqx.partition((task, learner), eqx.is_array)
    life, episode, readouts, test = _lived(arrays, _Static(rest), _keys(seed, lives))
    found = jax.tree.map(np.asarray, (episode, readouts))
    return Lived(np.asarray(life.correct), *found, float(np.mean(test)), life)


class _Static:
    """Whatever is no array, compared by its text; `jit` wants something to hash."""

    def __init__(self, rest):
        self.rest = rest

    def __hash__(self):
        return hash(repr(self.rest))

    def __eq__(self, other):
        return repr(self.rest) == repr(other.rest)


@functools.partial(jax.jit, static_argnums=1, compiler_options=QUICK)
def _lived(arrays, static, keys):
    task, learner = eqx.combine(arrays, static.rest)

    def one(key):
        episode_key, life_key = jax.random.split(key)
        episode = task.sample(episode_key)
        life, state = live(learner, task, episode, life_key)
        readouts = jax.vmap(lambda x: learner.predict(state, x))(episode.test_stimuli)
        return life, episode, readouts, held_out_accuracy(learner, state, episode)

    return jax.vmap(one)(keys)


def _keys(seed: int, count: int):
    return jax.random.split(jax.random.key(seed), count)
