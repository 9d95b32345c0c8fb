"""The accuracy that a search shows beside its own: backprop on lives of the same task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metaplast.answers import accuracy, counted
from metaplast.learners.backprop import Backprop
from metaplast.learners.perceptron import GAIN
from metaplast.learners.standardized import Standardized
from metaplast.lifetime import Learner, live, unroll
from metaplast.objective import Objective
from metaplast.program import traced
from metaplast.shelf import Shelf
from metaplast.tasks.abstract import AbstractTask
from metaplast.types import Key
from metaplast.varied import Varied

RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
RECTIFIED = (0.0, 1.0)
"""Tanh and relu."""
STIMULI = (0.0, 1.0)
"""Raw and standardized, as every rival of a comparison may meet them: on digits, over 300 moments,
relu with raw stimuli alone is twenty points below the best of these."""
CHAINED = 16
"""Most episodes of a life that are lived: somebody waits for the search to begin."""


class Beside(NamedTuple):
    """What a search shows beside its own accuracy."""

    accuracy: float
    lived: str
    """As `lived` says it."""


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


def lived(objective: Objective | Varied) -> str:
    """What of a search's lives backprop lives, in words; empty where they are of one episode in one
    setting."""
    main, told = objective.main if isinstance(objective, Varied) else objective, []
    if main.episodes > CHAINED:
        told.append(f"through the first {CHAINED} of {main.episodes} episodes")
    elif main.episodes > 1:
        told.append(f"through all {main.episodes} episodes")
    if isinstance(objective, Varied):
        told.append("without the variants")
    return ", ".join(told)


ONE_EPISODE = "through one episode of the main setting"
"""What versions before this one lived, whatever the rule did; their checkpoints say nothing."""


def chained(
    learner: Learner, task: AbstractTask, episodes: int, sample_key: Key, life_key: Key
) -> Float[Array, ""]:
    """Mean online accuracy of one life through several episodes, as `Objective` has them."""
    birth_key, noise_key = jax.random.split(life_key)

    def on(standing, number):
        episode = task.sample(jax.random.fold_in(sample_key, number))
        return unroll(learner, task, standing, (episode.stimuli, episode.targets), noise_key)

    begin = learner.born(birth_key), jnp.asarray(True), jnp.asarray(0)
    _, (correct, _) = jax.lax.scan(on, begin, jnp.arange(episodes))
    return jnp.mean(counted(correct, task).astype("float32"))


def backprop_accuracy(
    objective: Objective | Varied,
    hidden: Sequence[int],
    key: Key,
    lives: int = 16,
    shelf: Shelf | None = None,
) -> float:
    """Mean online accuracy of a multi-layer perceptron trained by Adam, at its best setting of all
    `RATES`, `RECTIFIED` and `STIMULI`.

    It lives on from episode to episode where the rule does, in fewer lives then; through the first
    `CHAINED` episodes at most, and of several settings in the main one alone (`lived` says so).

    A guide for the eye while a search runs, and no more: `bench` is the comparison that counts,
    with more optimizers, a finer grid, and the data set that the rule is asked about.

    Args:
        objective: whose task is lived, in a network with as many input and output cells as its
            circuit has.
        hidden: cells in each hidden layer, as the experiment says; what populations a circuit
            makes of them is its own affair.
        key: of the lives.
        lives: at each setting.
        shelf: where the accuracy is kept from run to run, and the program of a new one, if
            anywhere.
    """
    main = objective.main if isinstance(objective, Varied) else objective
    episodes = min(main.episodes, CHAINED)
    lives = lives if episodes == 1 else max(2, lives // episodes)
    circuit = objective.circuit
    sizes = (circuit.input.size, *hidden, circuit.output.size)

    about = (objective.task, sizes, lives, episodes)
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
            if episodes == 1:
                return accuracy(live(learner, task, task.sample(sample_key), birth_key)[0], task)
            return chained(learner, task, episodes, sample_key, birth_key)

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
