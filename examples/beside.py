"""What the examples named after papers share: the paper's figure beside the measured one, and
lives of rivals."""

from __future__ import annotations

import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from metaplast import search
from metaplast.learners.backprop import Backprop
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.lifetime import live, test_accuracy

NOT_GIVEN = "not given"
NO_SUCH = "–"
"""In the column of the paper, for rivals of ours that papers of this kind do not have."""
GROWN = 4
"""Times that the grid of a rival's rates may grow."""


def heading(measured: str) -> None:
    """The head of a table whose rows come from `row`."""
    print(f"\n{'':36s}{'paper':>14s}   {measured}")


def row(name: str, paper: str, values: Any, note: str = "") -> None:
    """One row: mean and 95 % interval over lives.

    Args:
        name: of what was measured.
        paper: the paper's figure, or `NOT_GIVEN`, or `NO_SUCH`.
        values: one number for each life.
        note: anything more.
    """
    values = np.asarray(values, float)
    shown = f"{values.mean():8.2f} ± {1.96 * values.std(ddof=1) / values.size**0.5:5.2f}"
    print(f"{name:36s}{paper:>14s}   {shown}   {note}", flush=True)


def found(objective, first, meta, steps: int, seed: int, what: str = "accuracy"):
    """What a search from `first` finds, told on the way.

    Args:
        objective: `(first, key) -> (loss, score)`.
        first: where the search begins, any PyTree.
        meta: the outer loop.
        steps: meta-steps.
        seed: of the search.
        what: name of the score that is shown in percent.
    """
    begun = time.perf_counter()
    position = search.begin(objective, first, meta, jax.random.key(seed))
    for progress in search.search(objective, first, meta, position, steps, 20.0):
        position = progress.position
        print(f"  meta-step {progress.step:4d}  loss {progress.loss.mean():7.4f}  "
              f"{what} {100 * progress.accuracy.mean():5.1f}  lost {progress.lost.mean():.2f}  "
              f"{time.perf_counter() - begun:4.0f} s", flush=True)  # fmt: skip
    return search.found(first, position)


def resized(network, genome):
    """The numbers of a genome in a network of other sizes, of the same kind."""
    return jax.tree.unflatten(jax.tree.structure(network), jax.tree.leaves(genome))


def lives(learner, task, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy in percent of `count` lives: online, and on the held-out examples at the end. The
    same seed gives every learner the same lives."""
    online, held_out = _lives(learner, task, jax.random.split(jax.random.key(seed), count))
    return 100 * np.asarray(online), 100 * np.asarray(held_out)


def tuned(make, rates, task, count: int, seed: int, online: bool = False):
    """The lives of the best of `make(rate)`, by held-out (or online) accuracy in hindsight; and
    that rate. The grid grows where its best rate lies on an edge, `GROWN` times at most."""
    each = {}

    def worth(rate: float) -> float:
        return each[rate][0 if online else 1].mean()

    tried = [float(rate) for rate in rates]
    for _ in range(GROWN + 1):
        each |= {rate: lives(make(jnp.asarray(rate)), task, count, seed) for rate in tried}
        grid = sorted(each)
        best = max(grid, key=worth)
        if len(grid) < 2 or best not in (grid[0], grid[-1]):
            break
        tried = [best * best / (grid[1] if best == grid[0] else grid[-2])]
    return *each[best], best


def rivals(sizes, rates, task, count: int, seed: int, online: bool = False) -> None:
    """Rows of backprop, each optimizer at the best of its rates, and of the nearest class mean.

    Args:
        sizes: cells of the layers of backprop.
        rates: of SGD; a tenth of them are Adam's.
        task, count, seed: the lives, as `lives` takes them.
        online: whether accuracy before learning is shown and tuned, and not the held-out one.
    """
    column = 0 if online else 1
    for optimizer, scale in (("sgd", 1.0), ("adam", 0.1)):
        *both, rate = tuned(
            lambda r, o=optimizer: Backprop(sizes, o, r, "tanh"),
            [scale * r for r in rates], task, count, seed, online,
        )  # fmt: skip
        row(f"backprop, {optimizer}", NOT_GIVEN, both[column], f"best rate {rate:.3g}")
    mean = NearestClassMean(sizes[0], sizes[-1])
    row("nearest class mean", NO_SUCH, lives(mean, task, count, seed)[column])


@eqx.filter_jit
def _lives(learner, task, keys):
    """Compiled once for all learners of one kind, whatever their rate."""

    def one(key):
        task_key, life_key = jax.random.split(key)
        episode = task.sample(task_key)
        life, state = live(learner, task, episode, life_key)
        return life.accuracy, test_accuracy(learner, state, episode)

    return jax.vmap(one)(keys)


def last(deviations: str, begun: float) -> None:
    """The end of every example: where it deviates, and what it took."""
    print(f"\n{deviations}\n\nwall time {time.perf_counter() - begun:.0f} s")


def numbers(tree) -> int:
    """How many numbers a search may move."""
    return sum(jnp.size(leaf) for leaf in jax.tree.leaves(tree) if search.searchable(leaf))
