"""A plastic network: a circuit, and a genome that says what its cells and synapses do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metaplast import synapses
from metaplast.circuits import Circuit, Population, Projection
from metaplast.circuits.anatomy import ABOVE, BELOW, RETURNING, before
from metaplast.delivery import Change, Deliver, trace_of
from metaplast.mapped import multiplied, over_synapses
from metaplast.neurons.abstract import MATURITY, UPSTREAM, AbstractNeuron, resting
from metaplast.rules.abstract import AbstractRule
from metaplast.types import Cell, Key, State

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


class Remembered(NamedTuple):
    """State of cells that some synapse hears a moment late."""

    state: State
    cell: Cell
    """As it was the moment before."""


class Heard(NamedTuple):
    """What a moment was to the cells, before any synapse has changed."""

    states: dict[str, State]
    cells: dict[str, Cell]
    """By population; under `before(population)` as they were the moment before, where a synapse
    hears them late."""
    readout: Float[Array, " outputs"]
    modulator: Float[Array, " modulators"]


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
        for q in self.circuit.weighted:
            rule = self.genome.rules.get(q.kind)
            if q.wiring == "backward" and rule is not None and rule.separated() is None:
                raise ValueError(
                    f"genome.rules[{q.kind!r}]: {type(rule).__name__} is mapped over synapses, "
                    f"which those of {q.name!r}, wired backward, are not laid out for; give a rule "
                    "that only multiplies what two cells know, such as Delta, or none"
                )
            if trace_of(q.name) in {other.name for other in self.circuit.weighted}:
                raise ValueError(
                    f"projection {trace_of(q.name)!r}: the traces of {q.name!r} are called that; "
                    "give its population another name"
                )

    def born(self, key: Key) -> NetworkState:
        """A newborn: random weights where the circuit says so, everything else at rest."""
        cells, weights, memory = {}, {}, {}
        for p in self.circuit.populations:
            position = jnp.arange(p.size) / p.size
            neuron = self.genome.neurons[p.kind]
            cells[p.name] = jax.vmap(neuron.init, (0, None))(position, jnp.asarray(1.0 / p.size))
            if p.name in self.circuit.remembered:
                cells[p.name] = Remembered(cells[p.name], resting(neuron, p.size))
        # One draw for all projections: every draw of its own would be compiled on its own.
        drawn, taken = jax.random.normal(key, (self.circuit.random_synapses,)), 0
        for q in self.circuit.weighted:
            shape, each = self.circuit.shape(q), self.circuit.synapses(q)
            if q.birth == "random":
                mine = drawn[taken : taken + math.prod(shape)]
                weights[q.name] = synapses.newborn(self.circuit, q, mine)
                taken += math.prod(shape)
            elif q.birth in ("zero", "even"):
                weights[q.name] = synapses.alike(q, shape)
            else:
                weights[q.name] = weights[q.of] if q.birth == "copied" else -weights[q.of]
            if q.kind in self.genome.rules:
                memory[q.name] = jax.tree.map(
                    lambda leaf, shape=each: jnp.broadcast_to(leaf, shape + jnp.shape(leaf)),
                    self.genome.rules[q.kind].init(),
                )
        return NetworkState(cells, weights, memory)

    def predict(
        self, state: NetworkState, stimulus: Float[Array, " inputs"], key: Key | None = None
    ) -> Float[Array, " outputs"]:
        """Readout of a stimulus, without learning anything."""
        return self.listen(state, stimulus, key)[1]

    def listen(
        self, state: NetworkState, stimulus: Float[Array, " inputs"], key: Key | None = None
    ) -> tuple[NetworkState, Float[Array, " outputs"]]:
        """A moment without a teacher: cells fire, nobody replies, no synapse changes."""
        deliver = synapses.Delivering(self.circuit, state.weights)
        states, cells, pools = self._forward(state.cells, stimulus, key, deliver)
        for p in self.circuit.populations:
            if p.name in self.circuit.remembered:
                # Nobody replied, so its error is what it was; but what outgoing synapses see of it
                # is its activity and traces, and those are of now.
                old, new = cells[before(p.name)], cells[p.name]
                silence, unmoved = jnp.zeros((p.size,)), jnp.zeros((1,))
                _, now = self._reply(p, states[p.name], new, silence, pools[p.name], unmoved)
                told = (old.message, old.post, now.pre)
                cells[p.name] = eqx.tree_at(lambda c: (c.message, c.post, c.pre), new, told)
        states = self._remembering(states, cells)
        return state._replace(cells=states), cells[self.circuit.output.name].drive

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
        deliver = synapses.Delivering(self.circuit, state.weights)
        heard = self.hear(state.cells, stimulus, target, task, key, deliver, record)
        weights, changes = dict(state.weights), self.changes(heard)
        for q in self.circuit.weighted:
            if q.name in changes:
                weights[q.name] = synapses.changed(
                    self.circuit, q, weights[q.name], changes[q.name]
                )
        others, memory = self._plasticity(state, heard.cells, heard.modulator)
        return NetworkState(heard.states, {**weights, **others}, memory), heard.readout

    def _plasticity(
        self, state: NetworkState, cells: dict[str, Cell], modulator: Float[Array, " modulators"]
    ) -> tuple[dict[str, Float[Array, "post pre"]], dict[str, State]]:
        """New weights, and memories, of projections whose rule is mapped over synapses."""
        weights, memory = {}, dict(state.memory)
        for q, rule in self._changing:
            if rule.separated() is None:
                weight, pre = state.weights[q.name], cells[q.source]
                if q.tabled:
                    pre = synapses.presynaptic(self.circuit, q, pre)
                asked, memory[q.name] = over_synapses(rule, q.tabled)(
                    synapses.each(self.circuit, q, weight), state.memory[q.name],
                    pre, cells[q.post], modulator,
                )  # fmt: skip
                weights[q.name] = synapses.grown(self.circuit, q, weight, asked)
        return weights, memory

    # -- a moment in two halves: what cells do, and what synapses make of it -----------

    def hear(
        self,
        states: dict[str, State],
        stimulus: Float[Array, " inputs"],
        target: Int[Array, ""],
        task,
        key: Key | None,
        deliver: Deliver,
        record: Record = unheard,
    ) -> Heard:
        """All that cells do in a moment; what synapses deliver to them, `deliver` says."""
        states, cells, pools = self._forward(states, stimulus, key, deliver, record)
        readout = cells[self.circuit.output.name].drive
        teaching = task.teach(readout, target)
        record(BROADCAST, "modulator", teaching.modulator)
        states, cells = self._feedback(states, cells, pools, teaching, deliver, record)
        return Heard(self._remembering(states, cells), cells, readout, teaching.modulator)

    def changes(self, heard: Heard, traces: bool = False) -> dict[str, Change]:
        """Changes of those projections whose rule only multiplies what the two ends know; and, if
        asked for, of those whose weights change by traces of such products."""
        made = {}
        for q, rule in self._changing:
            parts, traced = rule.separated(), rule.traced_products() if traces else None
            if parts is not None:
                made[q.name] = multiplied(q, parts, heard.cells, heard.modulator)
            elif traced is not None:
                change = multiplied(q, traced[:1], heard.cells, heard.modulator)
                stay = jnp.broadcast_to(traced[1], change.keep.shape).astype(change.keep.dtype)
                made[q.name] = change._replace(stay=stay)
        return made

    @property
    def separable(self) -> bool:
        """Whether all plasticity of this network is products of what two cells know, and can be
        undone: every weight is one of a matrix, and none stops at zero."""
        return self.rebuildable and not self.traced

    @property
    def rebuildable(self) -> bool:
        """The same; or some change by traces of such products, which can be computed again."""
        others, traced = ("signs", "backward"), set(self.traced)
        if any(q.tabled or q.wiring in others for q in self.circuit.projections):
            return False
        return all(
            not q.sign and (q.name in traced or rule.separated() is not None)
            for q, rule in self._changing
        )

    @property
    def traced(self) -> tuple[str, ...]:
        """Names of the projections whose weights change by traces of products."""
        return tuple(q.name for q, rule in self._changing if rule.traced_products() is not None)

    @property
    def noisy(self) -> bool:
        """Whether some cell draws noise, so that an answer takes a key."""
        return any(self.genome.neurons[p.kind].noisy for p in self.circuit.populations)

    @property
    def plastic(self) -> tuple[str, ...]:
        """Names of the projections that change."""
        return tuple(q.name for q, _ in self._changing)

    @property
    def _changing(self) -> list[tuple[Projection, AbstractRule]]:
        """The projections that change, and the rules by which they do."""
        rules = self.genome.rules
        return [(q, rules[q.kind]) for q in self.circuit.weighted if q.kind in rules]

    # -- the two sweeps of a moment ----------------------------------------------------

    def _forward(self, earlier, stimulus, key, deliver: Deliver, record: Record = unheard):
        """Input to output: every population fires, is inhibited, settles, is rebalanced."""
        states, cells, pools = {}, {}, {}
        for name in self.circuit.remembered:
            cells[before(name)] = earlier[name].cell
            earlier = {**earlier, name: earlier[name].state}
        number = 0
        for p in self.circuit.populations:
            if p.members:
                self._through(p, number, earlier, states, cells, pools, key, deliver)
            else:
                drive = self._arriving(p, "basal", cells, deliver) if number else stimulus
                upstream = pools.get(p.after)
                states[p.name], cells[p.name], pools[p.name] = self._answer(
                    p, number, earlier[p.name], drive, upstream, cells, key, deliver, record
                )
            number += max(1, len(p.members))
        return states, cells, pools

    def _answer(self, p, number, state, drive, upstream, cells, key, deliver, record=unheard):
        """One population fires, is inhibited, settles, is rebalanced."""
        neuron, cells = self.genome.neurons[p.kind], dict(cells)
        fire_keys = _cell_keys(neuron, key, number, p.size)
        s, cell = jax.vmap(neuron.fire, (0, 0, None if fire_keys is None else 0))(
            state, drive, fire_keys
        )
        record(p.name, "fire", cell)
        pool = _interneuron(cell, upstream)
        record(p.name, "first pool", pool)
        s, cell = jax.vmap(neuron.inhibit, (0, 0, None))(s, cell, pool)
        record(p.name, "inhibit", cell)
        for turn in range(p.rounds):
            cells[p.name] = cell
            lateral = self._arriving(p, "lateral", cells, deliver)
            s, cell = jax.vmap(neuron.settle)(s, cell, lateral)
            record(p.name, f"settle {turn}" if turn else "settle", cell)
        pool = _interneuron(cell, upstream)
        record(p.name, "second pool", pool)
        s, cell = jax.vmap(neuron.rebalance, (0, 0, None))(s, cell, pool)
        record(p.name, "rebalance", cell)
        return s, cell, pool

    def _through(self, p, number, earlier, states, cells, pools, key, deliver):
        """Several layers that are alike answer one after the other, as one loop."""

        def layer(deliver, below, given):
            (cell, pool), (state, number) = below, given
            heard = {**cells, BELOW: cell}
            drive = self._arriving(p, "basal", heard, deliver)
            upstream = pool if p.after else None
            state, cell, pool = self._answer(p, number, state, drive, upstream, heard, key, deliver)
            return (cell, pool), (state, cell, pool)

        wires = [q for q in self.circuit.toward(p.name) if q.site != "apical"]
        below = next(q.pre for q in wires if q.chain == "below")
        given = (earlier[p.name], number + jnp.arange(len(p.members)))
        _, (states[p.name], stack, pool) = deliver.along(
            [q.name for q in wires], layer, (cells[below], pools[below]), given
        )
        self._lay_out(p, stack, cells)
        self._lay_out(p, pool, pools)

    def _lay_out(self, p: Population, stack, named: dict[str, Any]) -> None:
        """Name what several layers have together, and what those have whom others hear."""
        named[p.name] = stack
        for index, name in enumerate(p.members):
            if name in self.circuit.heard:
                named[name] = jax.tree.map(lambda leaf, index=index: leaf[index], stack)

    def _feedback(self, states, cells, pools, teaching, deliver: Deliver, record: Record = unheard):
        """Output to input: every population replies to what it hears from above."""

        def back(p: Population):
            """Several layers that are alike reply one after the other, as one loop."""

            def layer(deliver, above, given):
                heard = cells if above is None else {**cells, ABOVE: above}
                state, cell, pool = given
                apical = self._arriving(p, "apical", heard, deliver)
                state, cell = self._reply(p, state, cell, apical, pool, teaching.modulator)
                return (None if above is None else cell), (state, cell)

            wires = self.circuit.onto(p.name, "apical")
            above = next((cells[q.pre] for q in wires if q.chain), None)
            given = (states[p.name], cells[p.name], pools[p.name])
            names = [q.name for q in wires]
            _, (state, stack) = deliver.along(names, layer, above, given, reverse=True)
            return state, stack

        for p in reversed(self.circuit.populations):
            if p.members:
                states[p.name], stack = back(p)
                self._lay_out(p, stack, cells)
                continue
            apical = (
                teaching.signal
                if p is self.circuit.output
                else self._arriving(p, "apical", cells, deliver)
            )
            states[p.name], cells[p.name] = self._reply(
                p, states[p.name], cells[p.name], apical, pools[p.name], teaching.modulator
            )
            record(p.name, "reply", cells[p.name])
        return states, cells

    def _reply(self, p: Population, state, cell, apical, pool, modulator):
        """States and cells of a population after they heard what comes from above."""
        reply = self.genome.neurons[p.kind].reply
        return jax.vmap(reply, (0, 0, 0, None, None))(state, cell, apical, pool, modulator)

    def _remembering(self, states, cells: dict[str, Cell]):
        """The states, with the cells that some synapse will hear a moment late."""
        late = {n: Remembered(states[n], cells[n]) for n in self.circuit.remembered}
        return {**states, **late}

    def _arriving(self, p: Population, site, cells, deliver: Deliver):
        """Sum of what all projections onto one site of `p` deliver."""
        total = jnp.zeros((p.size,))
        for q in self.circuit.onto(p.name, site):
            signal = getattr(cells[q.source], q.carries) * self._strength(q)
            if q.wiring == "one_to_one":
                total = total.at[q.offset : q.offset + signal.shape[0]].add(signal)
            elif q.wiring == "transpose":
                total = total + deliver(q.of, signal, transposed=True)
            elif q.wiring in RETURNING:
                total = total + deliver(q.name, signal, transposed=True)
            else:
                total = total + deliver(q.name, signal)
        return total

    def _strength(self, q: Projection):
        log_gain = self.genome.log_gains.get(q.kind)
        return q.scale if log_gain is None else q.scale * jnp.exp(log_gain)


def _interneuron(cells: Cell, upstream: Float[Array, " pool"] | None) -> Float[Array, " pool"]:
    """What the inhibitory interneuron of a population answers: the mean of what its cells
    send it over fixed wires of weight 1 / n, and the maturity that the interneuron of the
    population before it reports (1 where there is none)."""
    mean = jnp.mean(cells.pooled, axis=0)
    reported = jnp.ones(()) if upstream is None else upstream[MATURITY] * upstream[UPSTREAM]
    return jnp.append(mean, reported)


def _cell_keys(neuron: AbstractNeuron, key: Key | None, index: int | Int[Array, ""], size: int):
    if not neuron.noisy:
        return None
    if key is None:
        raise ValueError(f"key = None: {type(neuron).__name__} is a noisy neuron; pass a key")
    return jax.random.split(jax.random.fold_in(key, index), size)
