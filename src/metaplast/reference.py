"""The accuracy that a search shows beside its own: backprop on lives of the same task."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from metaplast.learners.backprop import Backprop
from metaplast.lifetime import live
from metaplast.objective import Objective
from metaplast.program import traced
from metaplast.shelf import Shelf
from metaplast.types import Key
from metaplast.varied import Varied

RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


def backprop_accuracy(
    objective: Objective | Varied, key: Key, lives: int = 16, shelf: Shelf | None = None
) -> float:
    """Mean online accuracy of a multi-layer perceptron trained by Adam, at its best rate.

    A guide for the eye while a search runs; `bench` is the comparison that counts, with
    more optimizers, a finer grid, and the data set that the rule is asked about.
    """
    circuit = objective.circuit
    hidden = tuple(p.size for p in circuit.populations if p.kind == "hidden")
    sizes = (circuit.input.size, *hidden, circuit.output.size)

    arrays, static = eqx.partition(objective.task, eqx.is_array)

    def accuracies(arrays, key):
        task = eqx.combine(arrays, static)

        def one(life_key, rate):
            sample_key, birth_key = jax.random.split(life_key)
            learner = Backprop(sizes, "adam", rate)
            return live(learner, task, task.sample(sample_key), birth_key)[0].accuracy

        keys = jax.random.split(key, lives)
        at_rate = jax.vmap(one, (0, None))
        return jax.lax.map(lambda rate: jnp.mean(at_rate(keys, rate)), jnp.asarray(RATES))

    about = (objective.task, sizes, lives)
    compiled = traced(accuracies, (arrays, key), 0, shelf, about).compiled()
    return float(np.max(np.asarray(compiled(arrays, key))))
