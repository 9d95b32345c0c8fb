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
        of_signs = {
            q.name: only_signs(circuit, q, weights[q.of])
            for q in circuit.projections if q.wiring == "signs"
        }  # fmt: skip
        super().__init__({**weights, **of_signs})
        self.circuit = circuit
        along = {q.name: circuit.along(q) for q in circuit.projections}
        self.tabled = {name: q for name, q in along.items() if q.tabled}

    def __call__(self, name, signal, transposed=False):
        if name not in self.tabled:
            return super().__call__(name, signal, transposed)
        q, weight = self.tabled[name], self.weights[name]
        if transposed:
            return returned(self.circuit, q, weight, signal)
        cells = self.circuit.cells_at_a_place(q)
        patches = signal[self.circuit.senders(q)[::cells]]
        if q.wiring == "shared":
            return (patches @ weight.T).ravel()
        by_place = weight.reshape(-1, cells, weight.shape[1])
        # A product of matrices, and not a sum of products: of a batch of the latter, two layers
        # deep, XLA makes wrong numbers on a CPU (JAX 0.10.2; tests/core/test_returning.py).
        return jnp.einsum("pcf,pf->pc", by_place, patches).ravel()


def returned(
    circuit: Circuit, q: Projection, weight: Weight, signal: Float[Array, " post"]
) -> Float[Array, " pre"]:
    """What arrives below if the synapses of a projection with a table run back."""
    by_place = signal.reshape(-1, circuit.cells_at_a_place(q))
    if q.wiring == "shared":
        sent = by_place @ weight
    else:
        sent = jnp.einsum("pcf,pc->pf", weight.reshape(*by_place.shape, -1), by_place)
    return jnp.sum(jnp.append(sent, 0.0)[circuit.returns(q)], axis=1)


def only_signs(circuit: Circuit, q: Projection, weight: Weight) -> Weight:
    """The signs of weights, in their root mean square at birth."""
    return jnp.sign(weight) / circuit.shape(q)[1] ** 0.5


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
    """The weights after a change that is known as products of what two cells say, and a leak.

    A weight that all places share changes by the sum of their products, as they have learned
    different things; but it is one weight, which leaks once: by the mean of their leaks.
    """
    along = circuit.along(q)
    if not along.tabled:
        back = q.wiring == "backward"
        return signed(q, delivery.changed(weight.T, change).T if back else
                      delivery.changed(weight, change))  # fmt: skip
    if q.wiring == "backward":
        # Weights lie as those forth do, where they would end at the cells that they begin at.
        senders = circuit.senders(along)
        decayed = (change.keep - 1.0)[senders]
        if along.wiring == "shared":
            decayed = decayed / (len(senders) // weight.shape[0])  # for `grown` adds up all places
        asked = decayed * each(circuit, along, weight)
        for a, b in zip(change.post[:, senders], change.pre, strict=True):
            asked = asked + a * b[:, None]
        return signed(q, grown(circuit, along, weight, asked))
    cells = circuit.cells_at_a_place(q)
    senders = circuit.senders(q)[::cells]
    decayed = (change.keep - 1.0).reshape(-1, cells, 1)
    if q.wiring == "shared":
        asked = decayed.mean(0) * weight
        for a, b in zip(change.post, change.pre[:, senders], strict=True):
            asked = asked + a.reshape(-1, cells).T @ b
        return signed(q, weight + asked)
    by_place = weight.reshape(-1, cells, weight.shape[1])
    asked = decayed * by_place
    for a, b in zip(change.post, change.pre[:, senders], strict=True):
        asked = asked + a.reshape(-1, cells, 1) * b[:, None]
    return grown(circuit, q, weight, asked.reshape(weight.shape))


def grown(circuit: Circuit, q: Projection, weight: Weight, asked: BySynapse) -> Weight:
    """The weights after every synapse has asked for a change; a shared one does what all its
    synapses ask for, their leaks included: what a rule asks for cannot be taken apart here."""
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
