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

    Args:
        objective: whose task is lived, in a network with the hidden layers of its circuit.
        key: of the lives.
        lives: at each rate.
        shelf: where the accuracy is kept from run to run, and the program of a new one, if
            anywhere.
    """
    circuit = objective.circuit
    hidden = tuple(p.size for p in circuit.populations if p.kind == "hidden")
    sizes = (circuit.input.size, *hidden, circuit.output.size)

    about = (objective.task, sizes, lives)
    name = shelf.name("reference", about, RATES, key, jax.device_count()) if shelf else None
    if shelf and (kept := shelf.read(name)) is not None:
        return float(kept)

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

    compiled = traced(accuracies, (arrays, key), 0, shelf, about).compiled()
    best = float(np.max(np.asarray(compiled(arrays, key))))
    if shelf:
        shelf.write(name, repr(best).encode())
    return best
