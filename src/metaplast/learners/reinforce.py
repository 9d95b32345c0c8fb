"""REINFORCE: an answer drawn at random, and a reward that says whether it was right."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metaplast.learners.perceptron import Layers, Perceptron, Sweep, Vectors, learned, transposed
from metaplast.source import Source
from metaplast.tasks.teaching import signals_target


class RewardedState(NamedTuple):
    layers: Layers
    expected: Float[Array, ""]
    """Running mean of the reward."""


class Reinforce(eqx.Module):
    r"""Synapses follow what made the given answer likely, as far as it was worth more than usual.

    An answer $a$ is drawn from the softmax of the readout; its reward $r$ is 1 if it is the
    wanted one and 0 otherwise, and nothing else is told. Where the world tells no target
    (`tasks.Reinforced`) $r$ is what it pays for the answer that was drawn.
    $\Delta\theta = \eta\,(r - \bar r)\, \nabla_\theta \log \pi(a)$, $\bar r$ the running mean of
    rewards. The expectation over answers is the gradient of the probability of a right answer.
    Hidden cells are deterministic and hear the transposed forward weights, as in the paper's
    section on backpropagation: the learner lacks a teacher, not weight transport. What counts as
    its answer in a comparison is the most likely one.

    Deviations: one of several answers is drawn at once, where the units of the paper's examples
    each draw 0 or 1 for themselves; plain steps, one example each. A reward that comes late
    (`tasks.DelayedReward`) is that of the most likely answer of its moment, which is the one on
    record, and there is no trace of what was drawn then.

    Args:
        network: who is taught.
        rate: learning rate $\eta$. An array leaf.
        smoothing: how much of the running mean the newest reward replaces.

    References: Williams (1992) doi:10.1007/BF00992696.
    """

    source: ClassVar[Source] = Source(
        "Williams", 1992,
        "Simple statistical gradient-following algorithms for connectionist reinforcement "
        "learning", "10.1007/BF00992696",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    smoothing: float = eqx.field(static=True, default=0.05)

    @property
    def synapses(self) -> int:
        """Weights, all of them plastic."""
        return self.network.synapses

    def born(self, key):
        return RewardedState(self.network.born(key), jnp.zeros(()))

    def predict(self, state, stimulus):
        return self.network.sweep(state.layers, stimulus).readout

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state.layers, stimulus)
        reward = self.reward(sweep, target, task, key)
        surprise = reward - state.expected
        errors = self.errors(state, sweep, target, task, key)
        layers = learned(state.layers, sweep.heard, errors, self.rate * surprise)
        return RewardedState(layers, state.expected + self.smoothing * surprise), sweep.readout

    def reward(self, sweep: Sweep, target, task, key) -> Float[Array, ""]:
        """Of the answer that was drawn."""
        answer = self.answer(sweep, key)
        if signals_target(task, sweep.readout, target):
            return task.teach(sweep.readout, target).signal[answer]
        # A world that pays looks at the largest readout, so it is shown what was drawn as that.
        drawn = jax.nn.one_hot(answer, sweep.readout.shape[0], dtype=sweep.readout.dtype)
        return task.teach(drawn, target).modulator[0]

    def answer(self, sweep: Sweep, key) -> Int[Array, ""]:
        """Drawn from the softmax of the readout."""
        return jax.random.categorical(key, sweep.readout)

    def errors(self, state: RewardedState, sweep: Sweep, target, task, key) -> Vectors:
        """What would have made the answer that was drawn likelier, for every layer's cells."""
        given = jax.nn.one_hot(
            self.answer(sweep, key), sweep.readout.shape[0], dtype=sweep.readout.dtype
        )
        error = given - jax.nn.softmax(sweep.readout)
        return self.network.backward(sweep.drives, error, transposed(state.layers))
