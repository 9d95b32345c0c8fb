"""A network whose layers that are alike are lived by one loop, and its state."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from metaplast.circuits import Circuit
from metaplast.circuits.stacks import stacked
from metaplast.network import NetworkState, PlasticNetwork


def as_loops(network: PlasticNetwork) -> PlasticNetwork:
    """The same network; if its circuit is deep, what compiling it takes does not grow with depth.

    Its state is that of `together`. It can `hear` and tell `changes`; its birth is that of the
    network that it was made from.
    """
    return PlasticNetwork(stacked(network.circuit), network.genome)


def together(circuit: Circuit, state: NetworkState) -> NetworkState:
    """The state of the layers of a stacked circuit, in arrays with a leading axis of layers."""
    # Synapses that do not change have no memory.
    remember = [q for q in circuit.weighted if {q.name, *q.members} & set(state.memory)]
    return NetworkState(
        cells={p.name: _joined(p, state.cells) for p in circuit.populations},
        weights={q.name: _joined(q, state.weights) for q in circuit.weighted},
        memory={q.name: _joined(q, state.memory) for q in remember},
    )


def apart(circuit: Circuit, state: NetworkState) -> NetworkState:
    """The state layer by layer: what `together` was given."""
    remember = [q for q in circuit.weighted if q.name in state.memory]
    return NetworkState(
        cells=_split(circuit.populations, state.cells),
        weights=_split(circuit.weighted, state.weights),
        memory=_split(remember, state.memory),
    )


def _joined(part, named: dict):
    if not part.members:
        return named[part.name]
    return jax.tree.map(lambda *each: jnp.stack(each), *(named[name] for name in part.members))


def _split(parts, named: dict) -> dict:
    single = {}
    for part in parts:
        if not part.members:
            single[part.name] = named[part.name]
        for index, name in enumerate(part.members):
            single[name] = jax.tree.map(lambda leaf, index=index: leaf[index], named[part.name])
    return single
