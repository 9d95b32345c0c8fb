"""Plastic networks under audit: every phase of a moment is laid open."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from metaplast import synapses
from metaplast.audit.anatomy import Anatomy, Bundle, Group, Way
from metaplast.audit.subject import SMALL, TOLD, Scale, Subject
from metaplast.circuits import Circuit, Projection
from metaplast.circuits.anatomy import RETURNING
from metaplast.network import BROADCAST, Genome, NetworkState, PlasticNetwork
from metaplast.neurons.abstract import POOL
from metaplast.types import Cell, Teaching

WAYS: dict[str, Way] = {"basal": "driving", "lateral": "lateral", "apical": "feedback"}
ANSWER = "fire drive"
"""Phase and field of the output cells that answer."""


def from_network(
    name: str,
    genome: Genome,
    circuit_at: Callable[[int, tuple[int, ...], int], Circuit],
    scale: Scale = SMALL,
    spec: dict[str, Any] | None = None,
    teacher_at: Callable[[int], Any] | None = None,
    taught: str = TOLD,
    note: str = "",
) -> Subject:
    """The subject of a plastic network.

    The interneurons of a population become a population of their own, one cell for each value
    that they answer, with wires from and to all its cells.

    Args:
        name: of the learner.
        genome: its neurons and rules.
        circuit_at: the circuit for given inputs, hidden layers and outputs.
        scale: of the instance.
        spec: the experiment that found the genome, if one did.
        teacher_at: for a number of classes, who teaches (`teach(readout, target)`); one who tells
            the output cells what was wanted, if left out.
        taught: how that is, in words.
        note: what a reader of its verdicts has to know.
    """
    teacher = (teacher_at or Teller)(scale.outputs)
    circuit = circuit_at(scale.inputs, scale.hidden, scale.outputs)
    network = PlasticNetwork(circuit, genome)

    def step(state, experience, key):
        seen: dict[str, dict[str, Any]] = {}

        def record(population: str, phase: str, value: Any) -> None:
            if isinstance(value, Cell):
                fields = {f"{phase} {n}": leaf for n, leaf in vars(value).items()}
                seen.setdefault(population, {}).update(fields)
            elif population == BROADCAST:
                seen.setdefault(BROADCAST, {})[phase] = value
            else:
                seen.setdefault(_interneurons(population), {})[phase] = value

        before = NetworkState(
            {n: fields["state"] for n, fields in state["populations"].items() if "state" in fields},
            {n: _folded(circuit, n, fields["weight"], weights=True)
             for n, fields in state["projections"].items() if fields},
            {n: jax.tree.map(functools.partial(_folded, circuit, n), fields["memory"])
             for n, fields in state["projections"].items() if "memory" in fields},
        )  # fmt: skip
        after, _ = network.moment(
            before, experience["stimulus"], experience["target"], teacher, key,
            record,
        )  # fmt: skip
        return _named(circuit, after, seen)

    def born(key):
        newborn = network.born(key)
        moment = (jnp.zeros(scale.inputs), jnp.zeros((), int))
        shapes = jax.eval_shape(
            step,
            _named(circuit, newborn, _silence(circuit)),
            {"stimulus": moment[0], "target": moment[1]},
            key,
        )
        quiet = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
        silent = {
            n: {f: leaf for f, leaf in fields.items() if f != "state"}
            for n, fields in quiet["populations"].items()
        }
        silent[BROADCAST] = quiet[BROADCAST]
        return _named(circuit, newborn, silent)

    return Subject(
        name=name,
        anatomy=_anatomy(circuit),
        born=born,
        step=step,
        resized=lambda other: from_network(
            name, genome, circuit_at, other, spec, teacher_at, taught, note
        ),
        output=(circuit.output.name, ANSWER),
        numbers=eqx.filter(genome, eqx.is_inexact_array),
        spec=spec,
        taught=taught,
        note=note,
    )


class Teller:
    """Tells the output cells what was wanted of them, and everybody whether it was wrong."""

    def __init__(self, classes: int):
        self.classes = classes

    def teach(self, readout, target) -> Teaching:
        wrong = (jnp.argmax(readout) != target).astype(readout.dtype)
        return Teaching(jax.nn.one_hot(target, self.classes, dtype=readout.dtype), wrong[None])


def _named(circuit: Circuit, state: NetworkState, seen: dict[str, dict[str, Any]]):
    """A network's state, and what its cells said, by name."""
    populations: dict[str, dict[str, Any]] = {}
    for p in circuit.populations:
        populations[p.name] = {"state": state.cells[p.name], **seen.get(p.name, {})}
        populations[_interneurons(p.name)] = dict(seen.get(_interneurons(p.name), {}))
    projections: dict[str, dict[str, Any]] = {q.name: {} for q in circuit.projections}
    for name, weight in state.weights.items():
        projections[name]["weight"] = _unfolded(circuit, name, weight, weights=True)
    for name, memory in state.memory.items():
        spread = functools.partial(_unfolded, circuit, name)
        projections[name]["memory"] = jax.tree.map(spread, memory)
    return {
        "populations": populations,
        "projections": projections,
        "broadcast": dict(seen.get(BROADCAST, {})),
    }


def _unfolded(circuit: Circuit, name: str, values: Any, weights: bool = False) -> Any:
    """What synapses hold as `[post, pre, ...]`, zero where there is none. A weight that synapses
    share is seen at each of them."""
    q = next(q for q in circuit.projections if q.name == name)
    along, turn = circuit.along(q), q.wiring == "backward"
    if along.tabled:
        values = synapses.each(circuit, along, values) if weights else values
        shape = (circuit.size(along.post), circuit.size(along.pre), *values.shape[2:])
        values = jnp.zeros(shape, values.dtype).at[_where(circuit, along)].set(values)
    return jnp.swapaxes(values, 0, 1) if turn else values


def _folded(circuit: Circuit, name: str, whole: Any, weights: bool = False) -> Any:
    """The inverse; a shared weight is that of the synapses at the first place."""
    q = next(q for q in circuit.projections if q.name == name)
    along = circuit.along(q)
    whole = jnp.swapaxes(whole, 0, 1) if q.wiring == "backward" else whole
    if not along.tabled:
        return whole
    values = whole[_where(circuit, along)]
    return values[: circuit.shape(q)[0]] if weights else values


def _where(circuit: Circuit, q: Projection) -> tuple[np.ndarray, np.ndarray]:
    """Post- and pre-synaptic cell of every synapse that there is, `[post, fan_in]` each."""
    senders = circuit.senders(q)
    return np.broadcast_to(np.arange(len(senders))[:, None], senders.shape), senders


def _silence(circuit: Circuit) -> dict[str, dict[str, Any]]:
    return {p.name: {} for p in circuit.populations}


def _interneurons(population: str) -> str:
    return f"{population}/interneurons"


def _anatomy(circuit: Circuit) -> Anatomy:
    groups, bundles = [], []
    for p in circuit.populations:
        pool = _interneurons(p.name)
        groups += [Group(p.name, p.size), Group(pool, POOL, interneuron_of=p.name)]
        every = np.ones((POOL, p.size), bool)
        bundles.append(Bundle(f"{p.name}=>{pool}", p.name, pool, "wire", every, False))
        bundles.append(Bundle(f"{pool}=>{p.name}", pool, p.name, "wire", every.T, False))
        if p.after:
            above = _interneurons(p.after)
            between = np.ones((POOL, POOL), bool)
            bundles.append(Bundle(f"{above}=>{pool}", above, pool, "wire", between, False))
    for q in circuit.projections:
        mask = _mask(circuit, q)
        way: Way = WAYS[q.site]
        if q.wiring == "one_to_one" and way == "lateral":
            way = "driving"  # a relay from another population, whatever its site
        bundles.append(Bundle(q.name, q.pre, q.post, way, mask, q in circuit.weighted))
    return Anatomy(tuple(groups), tuple(bundles))


def _mask(circuit: Circuit, q: Projection) -> np.ndarray:
    if q.wiring in RETURNING:
        return _mask(circuit, circuit.along(q)).T
    post, pre = circuit.size(q.post), circuit.size(q.pre)
    if q.wiring == "one_to_one":
        return np.eye(post, pre, -q.offset, dtype=bool)
    if q.tabled:
        mask = np.zeros((post, pre), bool)
        mask[_where(circuit, q)] = True
        return mask
    return np.ones((post, pre), bool)
