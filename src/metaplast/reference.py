"""The accuracy that a search shows beside its own: backprop on lives of the same task."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metaplast.answers import accuracy
from metaplast.learners.backprop import Backprop
from metaplast.learners.perceptron import GAIN
from metaplast.learners.standardized import Standardized
from metaplast.lifetime import live
from metaplast.objective import Objective
from metaplast.program import traced
from metaplast.shelf import Shelf
from metaplast.types import Key
from metaplast.varied import Varied

RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
RECTIFIED = (0.0, 1.0)
"""Tanh and relu."""
STIMULI = (0.0, 1.0)
"""Raw and standardized, as every rival of a comparison may meet them: on digits, over 300 moments,
relu with raw stimuli alone is twenty points below the best of these."""


class Either(Backprop):
    """Backprop with tanh or relu as a number says: all settings are one program, which is compiled
    while somebody waits for a search to begin."""

    rectified: Float[Array, ""] = eqx.field(default=0.0, converter=lambda r: jnp.asarray(r, float))
    nonlinearity: str = eqx.field(static=True, default="tanh")

    def born(self, key):
        state = super().born(key)
        gain = jnp.sqrt(GAIN["relu"] / GAIN["tanh"]) ** self.rectified
        return state._replace(weights=[w * gain for w in state.weights[:-1]] + state.weights[-1:])

    def respond(self, drive):
        return jnp.where(self.rectified > 0, jax.nn.relu(drive), jnp.tanh(drive))


def backprop_accuracy(
    objective: Objective | Varied, key: Key, lives: int = 16, shelf: Shelf | None = None
) -> float:
    """Mean online accuracy of a multi-layer perceptron trained by Adam, at its best setting of all
    `RATES`, `RECTIFIED` and `STIMULI`.

    A guide for the eye while a search runs, and no more: `bench` is the comparison that counts,
    with more optimizers, a finer grid, and the data set that the rule is asked about.

    Args:
        objective: whose task is lived, in a network with the hidden layers of its circuit.
        key: of the lives.
        lives: at each setting.
        shelf: where the accuracy is kept from run to run, and the program of a new one, if
            anywhere.
    """
    circuit = objective.circuit
    hidden = tuple(p.size for p in circuit.populations if p.kind == "hidden")
    sizes = (circuit.input.size, *hidden, circuit.output.size)

    about = (objective.task, sizes, lives)
    settings = (RATES, RECTIFIED, STIMULI)
    name = shelf.name("reference", about, settings, key, jax.device_count()) if shelf else None
    if shelf and (kept := shelf.read(name)) is not None:
        return float(kept)

    arrays, static = eqx.partition(objective.task, eqx.is_array)

    def accuracies(arrays, key):
        task = eqx.combine(arrays, static)

        def one(life_key, rate, rectified, amount):
            sample_key, birth_key = jax.random.split(life_key)
            learner = Standardized(
                Either(sizes, "adam", rate, rectified=rectified), sizes[0], amount
            )
            return accuracy(live(learner, task, task.sample(sample_key), birth_key)[0], task)

        def at(setting):
            return jnp.mean(jax.vmap(one, (0, None, None, None))(keys, *setting))

        keys = jax.random.split(key, lives)
        grid = jnp.meshgrid(*map(jnp.asarray, settings))
        return jax.lax.map(at, tuple(axis.ravel() for axis in grid))

    compiled = traced(accuracies, (arrays, key), 0, shelf, about).compiled()
    best = float(np.max(np.asarray(compiled(arrays, key))))
    if shelf:
        shelf.write(name, repr(best).encode())
    return best
