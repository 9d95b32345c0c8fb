"""The contract of a neuron: the physiology of ONE cell.

The network maps these methods over the cells of a population, so a cell can read
nothing but its own state and what arrives at its own sites. Locality is in the type.

Within one moment a cell passes five phases, each fed by other cells only over wires:

| phase | what arrives | over which wires |
|---|---|---|
| `fire` | `drive` | basal (driving) projections |
| `inhibit` | `pool`, the mean of `Cell.pooled` | the population's inhibitory interneuron |
| `settle` | `lateral` | lateral projections |
| `rebalance` | `pool`, now of the settled cells | the interneuron |
| `reply` | `apical`, and `pool` again | feedback projections, the interneuron |
"""

from __future__ import annotations

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.source import Source
from metaplast.types import Cell, Key, State

CHANNELS = 3
"""Values that a cell sends to its inhibitory interneuron: energy, activity, maturity."""
MATURITY, UPSTREAM = 2, 3
"""Where the interneuron's answer `pool` holds the maturity of the own population and of
the one before it; `pool` has one value more than `Cell.pooled`."""
POOL = CHANNELS + 1

Scalar = Float[Array, ""]


class AbstractNeuron(eqx.Module):
    """Physiology of one cell. Array leaves are searchable, Python numbers are fixed by hand."""

    source: ClassVar[Source]
    noisy: ClassVar[bool] = False
    """Whether `fire` uses its key; keys are only drawn for neurons that do."""

    def init(self, position: Scalar, spacing: Scalar) -> State:
        """State of a newborn cell at `position` in [0, 1) of a population spaced by `spacing`."""
        del position, spacing
        return ()

    @abc.abstractmethod
    def fire(self, state: State, drive: Scalar, key: Key | None) -> tuple[State, Cell]:
        """Take the basal drive in, give the activity out."""

    def inhibit(self, state: State, cell: Cell, pool: Float[Array, " pool"]) -> tuple[State, Cell]:
        """Take the inhibitory interneuron's answer in, correct the activity."""
        del pool
        return state, cell

    def settle(self, state: State, cell: Cell, lateral: Scalar) -> tuple[State, Cell]:
        """Take what lateral synapses deliver in, settle."""
        del lateral
        return state, cell

    def rebalance(
        self, state: State, cell: Cell, pool: Float[Array, " pool"]
    ) -> tuple[State, Cell]:
        """Take the interneuron's answer to the settled population in, correct what was settled."""
        del pool
        return state, cell

    @abc.abstractmethod
    def reply(
        self,
        state: State,
        cell: Cell,
        apical: Scalar,
        pool: Float[Array, " pool"],
        modulator: Float[Array, " modulators"],
    ) -> tuple[State, Cell]:
        """Take the feedback in, decide what to send back and what to offer the own synapses."""


def silent(drive: Scalar, signals: int = 1) -> Cell:
    """A cell that has received `drive` and has said nothing yet."""
    zero = jnp.zeros_like(drive)
    none = jnp.zeros((signals,), drive.dtype)
    return Cell(drive, zero, jnp.zeros((CHANNELS,), drive.dtype), zero, zero, none, none)


def resting(neuron: AbstractNeuron, size: int) -> Cell:
    """`size` cells of this kind that have never said anything: zeros, in the shapes of a moment."""

    def one_moment(drive):
        pool, modulator = jnp.zeros(POOL), jnp.zeros(1)
        state, cell = neuron.fire(neuron.init(drive, drive), drive, jax.random.key(0))
        state, cell = neuron.inhibit(state, cell, pool)
        state, cell = neuron.settle(state, cell, drive)
        state, cell = neuron.rebalance(state, cell, pool)
        return neuron.reply(state, cell, drive, pool, modulator)[1]

    cell = jax.eval_shape(one_moment, jax.ShapeDtypeStruct((), jnp.float32))
    return jax.tree.map(lambda leaf: jnp.zeros((size, *leaf.shape)), cell)
