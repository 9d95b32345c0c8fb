"""What a learner changes at every moment, and what it has to keep from one to the next."""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.learners.presented import Presented
from metaplast.learners.standardized import Standardized
from metaplast.lifetime import Learner
from metaplast.network import NetworkState, PlasticNetwork


class Footprint(NamedTuple):
    """Counted from the shapes of a newborn's state."""

    updates: int
    """Synapses that change at one moment of life; those of all steps, where a stimulus lasts."""
    values: int
    """Numbers that last from one moment to the next."""
    per_cell: float
    """Of these, numbers in vectors and scalars, for each cell."""
    per_synapse: float
    """Of these, numbers in matrices, for each synapse: 1 where weights are all there is, 3 for
    Adam; where experience is stored, as many as the life has moments."""


def footprint(learner: Learner, inputs: int, classes: int) -> Footprint:
    """Count one learner.

    Cells are those of the network, or the inputs and classes where there is none; synapses those
    that may change, and of a plastic network the others too.

    Args:
        learner: of any size.
        inputs, classes: of the task.
    """
    state = eqx.filter_eval_shape(_bare(learner).born, jax.random.key(0))
    leaves = [leaf for leaf in jax.tree.leaves(state) if jnp.issubdtype(leaf.dtype, jnp.number)]
    if isinstance(state, NetworkState):
        matrices = sum(leaf.size for leaf in jax.tree.leaves((state.weights, state.memory)))
        synapses = sum(weight.size for weight in state.weights.values())
    else:
        matrices = sum(leaf.size for leaf in leaves if leaf.ndim > 1)
        synapses = int(getattr(_bare(learner), "synapses", 0)) or matrices
    whole = eqx.filter_eval_shape(learner.born, jax.random.key(0))
    values = sum(
        leaf.size for leaf in jax.tree.leaves(whole) if jnp.issubdtype(leaf.dtype, jnp.number)
    )
    return Footprint(
        changing_synapses(learner) * _steps(learner),
        values,
        (values - matrices) / _cells(learner, inputs, classes),
        matrices / synapses if synapses else 0.0,
    )


def changing_synapses(learner: Learner) -> int:
    """Numbers that the learner changes at one moment."""
    learner = _bare(learner)
    if isinstance(learner, PlasticNetwork):
        circuit = learner.circuit
        return sum(
            math.prod(circuit.shape(q)) for q in circuit.weighted if q.kind in learner.genome.rules
        )
    synapses = getattr(learner, "synapses", None)
    if synapses is not None:
        return int(synapses)
    state = eqx.filter_eval_shape(learner.born, jax.random.key(0))
    return sum(
        leaf.size for leaf in jax.tree.leaves(state) if jnp.issubdtype(leaf.dtype, jnp.inexact)
    )


def _bare(learner: Learner) -> Learner:
    """The learner inside those that only change what it meets."""
    if isinstance(learner, Standardized):
        return _bare(learner.learner)
    return learner.network if isinstance(learner, Presented) else learner


def _steps(learner: Learner) -> int:
    if isinstance(learner, Standardized):
        return _steps(learner.learner)
    return learner.steps if isinstance(learner, Presented) else 1


def _cells(learner: Learner, inputs: int, classes: int) -> int:
    learner = _bare(learner)
    presented = getattr(learner, "presented", None)
    plastic = learner if presented is None else _bare(presented)
    if isinstance(plastic, PlasticNetwork):
        return sum(p.size for p in plastic.circuit.populations)
    network = getattr(learner, "network", getattr(learner, "learner", learner))
    sizes = getattr(network, "sizes", None)
    return sum(sizes) if sizes else inputs + sum(getattr(network, "hidden", ())) + classes
