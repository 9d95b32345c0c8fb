"""The records that travel between the parts of a life.

Time is the leading axis, weights are `[post, pre]`, and everything here is plain
data: arrays with a name. Nothing in this file decides anything.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

Key = PRNGKeyArray
"""A typed JAX random key. One key has one consumer."""

State = Any
"""Whatever a part carries from one moment to the next: a PyTree of arrays."""


class Cell(eqx.Module):
    """One model neuron at one moment: what it exposes to its own synapses.

    Inside a neuron's methods every field is a scalar (or a short vector); inside a
    network the same record is batched over the cells of a population.
    """

    drive: Float[Array, "*cells"]
    """Basal input: what its driving synapses delivered."""
    activity: Float[Array, "*cells"]
    """What it sends forward: a rate, or a spike in {0, 1}."""
    pooled: Float[Array, "*cells channels"]
    """What it tells the inhibitory interneuron of its population."""
    settled: Float[Array, "*cells"]
    """Its activity after lateral exchange, as its lateral synapses see it."""
    message: Float[Array, "*cells"]
    """What it sends back over feedback projections, usually an error."""
    post: Float[Array, "*cells signals"]
    """What it offers its incoming synapses; signal 0 is the error-like one."""
    pre: Float[Array, "*cells signals"]
    """What it offers its outgoing synapses; signal 0 is the activity-like one."""


class Synapse(eqx.Module):
    """All that one synapse can sense: its own weight, its two cells, broadcasts."""

    weight: Float[Array, ""]
    pre: Cell
    post: Cell
    modulator: Float[Array, " modulators"]


class Teaching(NamedTuple):
    """What the world tells a network after it has answered."""

    signal: Float[Array, " outputs"]
    """Wanted activity of each output cell, delivered to its apical site."""
    modulator: Float[Array, " modulators"]
    """Broadcast to every cell and synapse; here one value, 1 where the answer was wrong."""


class Episode(NamedTuple):
    """One life's worth of experience, as arrays, so that every learner lives the same life."""

    stimuli: Float[Array, "*lives moments inputs"]
    targets: Int[Array, "*lives moments"]
    test_stimuli: Float[Array, "*lives held_out inputs"]
    test_targets: Int[Array, "*lives held_out"]


class Life(eqx.Module):
    """What happened in one lifetime (or, with leading axes, in many)."""

    correct: Bool[Array, "*lives moments"]
    """Whether each example was named correctly *before* it was learned."""
    loss: Float[Array, "*lives moments"]
    """The task's loss of each answer, before learning."""
    exploded: Bool[Array, "*lives"]
    """Whether the learner left the finite numbers. An outcome, not an error."""
    died_at: Int[Array, "*lives"]
    """The moment of the explosion; the number of moments where there was none."""

    @property
    def accuracy(self) -> Float[Array, "*lives"]:
        """Mean online accuracy of each life; an exploded learner answers nothing."""
        return jax.numpy.mean(self.correct.astype("float32"), axis=-1)
