"""A plastic network: a circuit, and a genome that says what its cells and synapses do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metaplast.circuits import Circuit, Population, Projection
from metaplast.neurons.abstract import MATURITY, UPSTREAM, AbstractNeuron
from metaplast.rules.abstract import AbstractRule
from metaplast.types import Cell, Key, State, Synapse

Record = Callable[[str, str, Any], None]
"""Told of every phase of a moment: the population, the phase, and its cells (or what its
interneuron answers) after that phase."""


BROADCAST = "broadcast"
"""In the place of a population: what everybody hears."""


def unheard(population: str, phase: str, value: Any) -> None:
    """Nobody listens."""


class Genome(eqx.Module):
    """What a search finds: the physiology of each kind of cell, the chemistry of each
    kind of synapse, and the strength of each kind of projection.

    It knows no sizes, so one genome fits circuits of any depth and width.
    """

    neurons: dict[str, AbstractNeuron]
    rules: dict[str, AbstractRule]
    """Plasticity by kind of projection; kinds that are missing are not plastic."""
    log_gains: dict[str, Float[Array, ""]] = eqx.field(default_factory=dict)
    """Log of the strength by kind of projection; kinds that are missing have strength 1."""


class NetworkState(NamedTuple):
    """Everything that lasts from one moment to the next."""

    cells: dict[str, State]
    weights: dict[str, Float[Array, "post pre"]]
    memory: dict[str, State]


class PlasticNetwork(eqx.Module):
    """A learner made of cells and synapses.

    Information moves between cells only over the projections of `circuit` and the
    inhibitory interneuron of each population.
    """

    circuit: Circuit = eqx.field(static=True)
    genome: Genome

    def __check_init__(self) -> None:
        missing = {p.kind for p in self.circuit.populations} - set(self.genome.neurons)
        if missing:
            raise ValueError(
                f"genome.neurons has no {sorted(missing)}, which the circuit uses; "
                f"it has {sorted(self.genome.neurons)}"
            )

    def born(self, key: Key) -> NetworkState:
        """A newborn: random weights where the circuit says so, everything else at rest."""
        cells, weights, memory = {}, {}, {}
        for p in self.circuit.populations:
            position = jnp.arange(p.size) / p.size
            cells[p.name] = jax.vmap(self.genome.neurons[p.kind].init, (0, None))(
                position, jnp.asarray(1.0 / p.size)
            )
        # One draw for all projections: every draw of its own would be compiled on its own.
        drawn, taken = jax.random.normal(key, (self.circuit.random_synapses,)), 0
        for q in self.circuit.dense:
            shape = (self.circuit.size(q.post), self.circuit.size(q.pre))
            if q.birth == "random":
                mine = drawn[taken : taken + math.prod(shape)]
                weights[q.name] = mine.reshape(shape) / jnp.sqrt(shape[1])
                taken += math.prod(shape)
            else:
                weights[q.name] = jnp.zeros(shape)
            if q.kind in self.genome.rules:
                memory[q.name] = jax.tree.map(
                    lambda leaf, shape=shape: jnp.broadcast_to(leaf, shape + jnp.shape(leaf)),
                    self.genome.rules[q.kind].init(),
                )
        return NetworkState(cells, weights, memory)

    def predict(
        self, state: NetworkState, stimulus: Float[Array, " inputs"], key: Key | None = None
    ) -> Float[Array, " outputs"]:
        """Readout of a stimulus, without learning anything."""
        _, cells, _ = self._forward(state, stimulus, key)
        return cells[self.circuit.output.name].drive

    def moment(
        self,
        state: NetworkState,
        stimulus: Float[Array, " inputs"],
        target: Int[Array, ""],
        task,
        key: Key | None = None,
        record: Record = unheard,
    ) -> tuple[NetworkState, Float[Array, " outputs"]]:
        """Answer, be taught, change. Returns the new state and the answer."""
        states, cells, pools = self._forward(state, stimulus, key, record)
        readout = cells[self.circuit.output.name].drive
        teaching = task.teach(readout, target)
        record(BROADCAST, "modulator", teaching.modulator)
        states, cells = self._feedback(state, states, cells, pools, teaching, record)
        weights, memory = self._plasticity(state, cells, teaching.modulator)
        return NetworkState(states, weights, memory), readout

    # -- the three sweeps of a moment ------------------------------------------------

    def _forward(self, state: NetworkState, stimulus, key, record: Record = unheard):
        """Input to output: every population fires, is inhibited, settles, is rebalanced."""
        states, cells, pools = {}, {}, {}
        for index, p in enumerate(self.circuit.populations):
            neuron = self.genome.neurons[p.kind]
            drive = stimulus if index == 0 else self._arriving(p, "basal", state, cells)
            fire_keys = _cell_keys(neuron, key, index, p.size)
            s, cell = jax.vmap(neuron.fire, (0, 0, None if fire_keys is None else 0))(
                state.cells[p.name], drive, fire_keys
            )
            record(p.name, "fire", cell)
            pool = _interneuron(cell, pools.get(p.after))
            record(p.name, "first pool", pool)
            s, cell = jax.vmap(neuron.inhibit, (0, 0, None))(s, cell, pool)
            record(p.name, "inhibit", cell)
            cells[p.name] = cell
            lateral = self._arriving(p, "lateral", state, cells)
            s, cell = jax.vmap(neuron.settle)(s, cell, lateral)
            record(p.name, "settle", cell)
            pools[p.name] = _interneuron(cell, pools.get(p.after))
            record(p.name, "second pool", pools[p.name])
            states[p.name], cells[p.name] = jax.vmap(neuron.rebalance, (0, 0, None))(
                s, cell, pools[p.name]
            )
            record(p.name, "rebalance", cells[p.name])
        return states, cells, pools

    def _feedback(
        self, state: NetworkState, states, cells, pools, teaching, record: Record = unheard
    ):
        """Output to input: every population replies to what it hears from above."""
        for p in reversed(self.circuit.populations):
            heard = (
                teaching.signal
                if p is self.circuit.output
                else self._arriving(p, "apical", state, cells)
            )
            states[p.name], cells[p.name] = jax.vmap(
                self.genome.neurons[p.kind].reply, (0, 0, 0, None, None)
            )(states[p.name], cells[p.name], heard, pools[p.name], teaching.modulator)
            record(p.name, "reply", cells[p.name])
        return states, cells

    def _plasticity(self, state: NetworkState, cells, modulator):
        """Every plastic synapse changes, each by what it alone can sense."""
        weights, memory = dict(state.weights), dict(state.memory)
        for q in self.circuit.dense:
            if q.kind in self.genome.rules:
                change, memory[q.name] = over_synapses(self.genome.rules[q.kind])(
                    state.weights[q.name],
                    state.memory[q.name],
                    cells[q.pre],
                    cells[q.post],
                    modulator,
                )
                weights[q.name] = state.weights[q.name] + change
        return weights, memory

    def _arriving(self, p: Population, site, state: NetworkState, cells):
        """Sum of what all projections onto one site of `p` deliver."""
        total = jnp.zeros((p.size,))
        for q in self.circuit.onto(p.name, site):
            signal = getattr(cells[q.pre], q.carries) * self._strength(q)
            if q.wiring == "one_to_one":
                total = total.at[q.offset : q.offset + signal.shape[0]].add(signal)
            elif q.wiring == "transpose":
                total = total + signal @ state.weights[q.of]
            else:
                total = total + state.weights[q.name] @ signal
        return total

    def _strength(self, q: Projection):
        log_gain = self.genome.log_gains.get(q.kind)
        return q.scale if log_gain is None else q.scale * jnp.exp(log_gain)


def over_synapses(rule: AbstractRule):
    """Map a rule of one synapse over `[post, pre]`; the modulator is broadcast."""

    def one(weight, memory, pre: Cell, post: Cell, modulator):
        return rule(Synapse(weight, pre, post, modulator), memory)

    over_pre = jax.vmap(one, (0, 0, 0, None, None))
    return jax.vmap(over_pre, (0, 0, None, 0, None))


def _interneuron(cells: Cell, upstream: Float[Array, " pool"] | None) -> Float[Array, " pool"]:
    """What the inhibitory interneuron of a population answers: the mean of what its cells
    send it over fixed wires of weight 1 / n, and the maturity that the interneuron of the
    population before it reports (1 where there is none)."""
    mean = jnp.mean(cells.pooled, axis=0)
    reported = jnp.ones(()) if upstream is None else upstream[MATURITY] * upstream[UPSTREAM]
    return jnp.append(mean, reported)


def _cell_keys(neuron: AbstractNeuron, key: Key | None, index: int, size: int):
    if not neuron.noisy:
        return None
    if key is None:
        raise ValueError(f"key = None: {type(neuron).__name__} is a noisy neuron; pass a key")
    return jax.random.split(jax.random.fold_in(key, index), size)
