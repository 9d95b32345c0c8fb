"""Synapses that are not all there, tied to others, or of one sign: what they deliver and become.

The weights of a projection with a table of senders are `[post, fan_in]`: one for each synapse
there is. Where all places share them they are `[cells at a place, fan_in]`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast import delivery
from metaplast.circuits import Circuit, Projection
from metaplast.delivery import Change
from metaplast.types import Cell

Weight = Float[Array, "_rows fan_in"]
BySynapse = Float[Array, "post fan_in"]


class Delivering(delivery.Delivering):
    """Deliver through the given weights, over whatever synapses there are."""

    def __init__(self, circuit: Circuit, weights: dict[str, Weight]):
        super().__init__(weights)
        self.circuit = circuit
        self.tabled = {q.name: q for q in circuit.weighted if q.tabled}

    def __call__(self, name, signal, transposed=False):
        if name not in self.tabled:
            return super().__call__(name, signal, transposed)
        q, weight = self.tabled[name], self.weights[name]
        if q.wiring == "shared":
            patches = signal[self.circuit.senders(q)[:: weight.shape[0]]]
            return (patches @ weight.T).ravel()
        return jnp.sum(weight * signal[self.circuit.senders(q)], axis=1)


def newborn(circuit: Circuit, q: Projection, normal: Float[Array, " drawn"]) -> Weight:
    """Random weights of variance 1 / fan-in, or of that size and the declared sign."""
    shape = circuit.shape(q)
    weight = normal.reshape(shape) / jnp.sqrt(shape[1])
    return q.sign * jnp.abs(weight) if q.sign else weight


def alike(q: Projection, shape: tuple[int, int]) -> Weight:
    """Weights that are all the same at birth: zero, or 1 / fan-in with the declared sign."""
    if q.birth == "zero":
        return jnp.zeros(shape)
    return jnp.full(shape, (q.sign or 1) / shape[1])


def changed(circuit: Circuit, q: Projection, weight: Weight, change: Change) -> Weight:
    """The weights after a change that is known as products of what two cells say, and a leak."""
    if not q.tabled:
        return signed(q, delivery.changed(weight, change))
    pre = change.pre[:, circuit.senders(q)]
    asked = (change.keep - 1.0)[:, None] * each(circuit, q, weight)
    for a, b in zip(change.post, pre, strict=True):
        asked = asked + a[:, None] * b
    return grown(circuit, q, weight, asked)


def grown(circuit: Circuit, q: Projection, weight: Weight, asked: BySynapse) -> Weight:
    """The weights after every synapse has asked for a change; a shared one does what all its
    synapses ask for."""
    if q.wiring == "shared":
        asked = asked.reshape(-1, *weight.shape).sum(0)
    return signed(q, weight + asked)


def each(circuit: Circuit, q: Projection, weight: Weight) -> BySynapse:
    """The weight of every synapse."""
    places = circuit.synapses(q)[0] // weight.shape[0]
    return jnp.tile(weight, (places, 1)) if q.wiring == "shared" else weight


def presynaptic(circuit: Circuit, q: Projection, cells: Cell) -> Cell:
    """The cell at the beginning of every synapse, `[post, fan_in]`."""
    return jax.tree.map(lambda leaf: leaf[circuit.senders(q)], cells)


def signed(q: Projection, weight: Weight) -> Weight:
    """Weights that stop at zero where the projection has a declared sign."""
    if not q.sign:
        return weight
    return jnp.maximum(weight, 0.0) if q.sign > 0 else jnp.minimum(weight, 0.0)
