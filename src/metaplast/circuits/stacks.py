"""Layers that are alike, as one population of several layers.

A program that names every layer grows with the depth, and so does the time that compiling it takes.
Layers that are alike can be lived by one loop instead, whose program is that of one layer.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from metaplast.circuits.anatomy import Circuit, Population, Projection

LEAST = 16
"""Fewest layers for which a loop is worth what it costs: their weights are copied in and out, so
that it runs up to half as long again, and with fewer layers it saves little of the compiling
(`benchmarks/depth.py`)."""


def stacked(circuit: Circuit, least: int | None = None) -> Circuit:
    """The same circuit, where every run of `least` or more layers that are alike is one population.

    By default `LEAST` of them. Layers are alike if their cells are of one kind and number, and if
    what arrives at them differs in nothing but this: it comes from the layer below (or above),
    which is alike too.
    """
    least = LEAST if least is None else least
    borrowed = {q.of for q in circuit.projections if q.of}
    for run in _runs(circuit):
        wires = list(zip(*(circuit.toward(name) for name in run), strict=True))
        inside = {q.name for wire in wires for q in wire}
        chained = any(_role(circuit, wire[0]) == "below" for wire in wires)
        if len(run) >= least and chained and not inside & borrowed:
            circuit = _as_one(circuit, run, wires)
    return circuit


def _runs(circuit: Circuit) -> list[tuple[str, ...]]:
    """Names of neighboring populations that are alike, run by run."""
    groups = itertools.groupby(circuit.populations, lambda p: _likeness(circuit, p))
    runs = [(likeness, tuple(p.name for p in group)) for likeness, group in groups]
    return [names for likeness, names in runs if likeness is not None]


def _likeness(circuit: Circuit, p: Population):
    """What two layers have in common if they are alike; None where a layer stands for itself."""
    wires = circuit.toward(p.name)
    if p.name in circuit.remembered or any(q.of or q.delay or q.tabled for q in wires):
        return None
    below = _neighbor(circuit, p, -1)
    heard = tuple(dataclasses.replace(q, name="", post="", pre=_role(circuit, q)) for q in wires)
    after = "below" if p.after and below and p.after == below.name else p.after
    return p.size, p.kind, p.grid, p.rounds, after, heard


def _role(circuit: Circuit, q: Projection) -> str:
    """Where a projection comes from, as seen from the layer that it arrives at."""
    post = circuit[q.post]
    if q.pre == q.post:
        return "itself"
    for step, role in ((-1, "below"), (1, "above")):
        neighbor = _neighbor(circuit, post, step)
        if neighbor and neighbor.name == q.pre and (neighbor.kind, neighbor.size) == (
            post.kind, post.size,
        ):  # fmt: skip
            return role
    return q.pre


def _neighbor(circuit: Circuit, p: Population, step: int) -> Population | None:
    index = circuit.populations.index(p) + step
    return circuit.populations[index] if 0 <= index < len(circuit.populations) else None


def _as_one(
    circuit: Circuit, run: tuple[str, ...], wires: Sequence[tuple[Projection, ...]]
) -> Circuit:
    """The circuit with the populations `run` as one."""
    first = circuit[run[0]]
    whole = dataclasses.replace(first, name=f"{run[0]}..{run[-1]}", members=run)
    joined = {}
    for wire in wires:
        role = _role(circuit, wire[0])
        ends = {"above": wire[-1].pre, "itself": whole.name}
        joined[wire[0].name] = dataclasses.replace(
            wire[0],
            name=f"{wire[0].name}..",
            pre=ends.get(role, wire[0].pre),
            post=whole.name,
            chain=role if role in ("below", "above") else "",
            members=tuple(q.name for q in wire),
        )
    gone = {q.name for wire in wires for q in wire}
    populations = [whole if p is first else p for p in circuit.populations if p.name not in run[1:]]
    projections = [
        joined.get(q.name, q) for q in circuit.projections if q.name in joined or q.name not in gone
    ]
    return Circuit(tuple(populations), tuple(projections))
