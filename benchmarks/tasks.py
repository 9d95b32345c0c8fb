"""A quick look at what simple learners reach on every task beyond plain classification.

    METAPLAST_DATA=folder python benchmarks/tasks.py [name ...]

A few lives each, and backprop at the best of three rates: to see that a task can be learned and
is not trivial, not to compare learners. Tasks whose file is absent are skipped with a line.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from metaplast import tasks
from metaplast.bench import detection_score, forgetting
from metaplast.learners.backprop import Backprop
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.learners.recursive_least_squares import RecursiveLeastSquares
from metaplast.lifetime import live, test_accuracy

RATES = (0.01, 0.03, 0.1)
HIDDEN = 64
DIGITS = functools.partial(tasks.digits, moments=300, held_out=100)


class Look(NamedTuple):
    """One task, and what is read of its lives."""

    make: Callable[[], tasks.AbstractTask]
    extra: Callable = lambda *_: ""
    """More about the first life."""
    lives: int = 4


def _forgotten(task, learner, life, state, episode) -> str:
    readouts = jax.vmap(lambda x: learner.predict(state, x))(episode.test_stimuli)
    score = forgetting(life, episode, readouts, task.stages)
    return f"learned {score.learned:.2f} kept {score.kept:.2f}"


def _answered(task, learner, life, state, episode) -> str:
    return f"when asked {np.mean(np.asarray(life.correct)[task.answered]):.3f}"


def _found(task, learner, life, state, episode) -> str:
    return f"average precision {detection_score(learner, state, task).mean:.3f}"


def _in_steps():
    return tasks.InSteps(tasks.RateCode(DIGITS(moments=100), 4), 4)


LOOKS = {
    "few_shot_1": Look(lambda: tasks.FewShot(tasks.omniglot(split="all"), 5, 1), lives=100),
    "few_shot_5": Look(lambda: tasks.FewShot(tasks.omniglot(split="all"), 5, 5), lives=40),
    "drifting": Look(lambda: tasks.Drifting(DIGITS(), 3.0)),
    "still": Look(lambda: tasks.Drifting(DIGITS(), 0.0)),
    "class_incremental": Look(lambda: tasks.ClassIncremental(DIGITS(), 5), _forgotten),
    "reinforced": Look(lambda: tasks.Reinforced(DIGITS())),
    "paired_associates": Look(lambda: tasks.PairedAssociates(flips=0.1)),
    "delayed_match": Look(lambda: tasks.DelayedMatch(), _answered),
    "rate_code": Look(lambda: tasks.RateCode(DIGITS(), 4)),
    "latency_code": Look(lambda: tasks.LatencyCode(DIGITS(), 4)),
    "in_steps": Look(_in_steps, _answered),
    "nmnist": Look(lambda: tasks.nmnist(held_out=100, bins=1)),
    "cifar10": Look(lambda: tasks.cifar10(most=2000)),
    "fsdd_mel": Look(lambda: tasks.named("fsdd_mel")),
    "coil20": Look(lambda: tasks.named("coil20")),
    "digit_scenes": Look(lambda: tasks.digit_scenes(moments=600, scenes=60), _found),
    "bccd_det": Look(lambda: tasks.boxed_arrays("bccd_det", moments=600), _found),
}


def learners(task):
    """Name and learner; backprop once for each rate."""
    sizes = (task.inputs, task.classes)
    yield "nearest class mean", NearestClassMean(*sizes)
    yield "1-NN", NearestNeighbor(*sizes, task.moments)
    if task.inputs < 1000:
        yield "least squares", RecursiveLeastSquares(*sizes)
    for rate in RATES:
        yield "backprop", Backprop((task.inputs, HIDDEN, task.classes), "sgd", rate)


def look(name: str) -> None:
    """Print one line for each learner."""
    task, rows = LOOKS[name].make(), {}
    for row, learner in learners(task):
        arrays, rest = eqx.partition((task, learner), eqx.is_array)

        @jax.jit
        def lived(arrays, keys, rest=rest):
            task, learner = eqx.combine(arrays, rest)

            def one(key):
                episode_key, life_key = jax.random.split(key)
                episode = task.sample(episode_key)
                life, state = live(learner, task, episode, life_key)
                return episode, life, state, test_accuracy(learner, state, episode)

            return jax.lax.map(one, keys)

        keys = jax.random.split(jax.random.key(0), LOOKS[name].lives)
        episode, life, state, test = lived(arrays, keys)
        first = jax.tree.map(lambda a: a[0], (life, state, episode))
        said = LOOKS[name].extra(task, learner, *first)
        found = (float(life.accuracy.mean()), float(test.mean()), said)
        rows[row] = max(rows.get(row, found), found)
    print(f"{task.name}: {task.inputs} inputs, {task.classes} classes, {task.moments} moments")
    for row, (online, test, said) in rows.items():
        print(f"  {row:<20} online {online:.3f}  held out {test:.3f}  {said}", flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or LOOKS:
        try:
            look(name)
        except FileNotFoundError as fault:
            print(f"{name}: skipped, {fault}")
