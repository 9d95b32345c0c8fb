"""A keeper: spikes of 0 or 1, synapses that keep their sign, and errors as two populations.

Input and hidden cells fire where their drive exceeds a threshold; hidden ones let it follow their
own firing, so that each fires at half of the moments. For every input cell there is one (`off`)
that fires when it does not, and both reach the output directly, too. Two populations beside the
output fire where it should have fired and did not (`missed`), and where it fired and should not
have (`excess`); the first one excites hidden cells over random weights, the second one inhibits
them. What a synapse multiplies is what its post-synaptic cell heard, and whether its pre-synaptic
cell fired. No slope is asked for, every moment is like any other, no message has a sign. It is
not a cheat; four cheats are made of it.

References: Nøkland (2016) arXiv:1609.01596 (feedback from the output to every layer).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL, Scale, State

RATE, CALM = 0.05, 0.02
"""Of the synapses, and of the thresholds."""
LEAST, MOST = 1e-3, 2.0
"""Bounds of an excitatory weight, times its number at the cell."""
TELLERS = ("missed", "excess")
BESIDE = (("off", "hidden1"), ("input", "output"), ("off", "output"))
"""Forward projections beside those from layer to layer."""


def born(key, scale: Scale = SMALL) -> State:
    """Silent cells; excitatory weights everywhere, but inhibitory ones from `excess`."""
    size = base.sizes(scale)
    silent = jnp.zeros(scale.inputs)
    populations: base.Cells = {"input": {"activity": silent}, "off": {"activity": silent}}
    fields = ("drive", "activity", "threshold", "heard")
    for name in list(size)[1:-1]:
        populations[name] = {field: jnp.zeros(size[name]) for field in fields}
    for name in TELLERS:
        populations[name] = {"activity": jnp.zeros(scale.outputs)}
    said = ("activity", "spike", "threshold", "wanted")
    populations["output"] = {field: jnp.zeros(scale.outputs) for field in said}
    for name in list(size)[1:]:
        populations[name]["threshold"] += 0.4

    shapes = {f"{a}->{b}": (size[b], size[a]) for a, b in itertools.pairwise(size)}
    shapes |= {f"{a}->{b}": (size[b], scale.inputs) for a, b in BESIDE}
    shapes |= {
        f"{teller}~>{name}": (size[name], scale.outputs)
        for teller in TELLERS
        for name in list(size)[1:-1]
    }
    projections = {}
    for name, drawn in base.drawn(key, shapes).items():
        size_of_one = jnp.abs(drawn["weight"]) / jnp.sqrt(drawn["weight"].shape[1])
        projections[name] = {"weight": -size_of_one if name.startswith("excess") else size_of_one}
    projections |= {wire: {} for wire in ("input=>off", *(f"output=>{t}" for t in TELLERS))}
    return {"populations": populations, "projections": projections}


def spike(surplus):
    """1 where a cell is driven beyond its threshold, else 0."""
    return (surplus > 0.0).astype(surplus.dtype)


def complain(wanted, fired):
    """What the two populations beside the output say."""
    return wanted * (1.0 - fired), fired * (1.0 - wanted)


def bounded(weight):
    """Excitatory synapses stay excitatory."""
    return jnp.clip(weight, LEAST / weight.shape[1], MOST / weight.shape[1])


def step(
    state: State,
    experience,
    key,
    spike: Callable = spike,
    complain: Callable = complain,
    bounded: Callable = bounded,
) -> State:
    """One moment."""
    order, populations = base.names(state), state["populations"]
    weight = {n: f["weight"] for n, f in state["projections"].items() if f}
    on = spike(experience["stimulus"])
    cells: base.Cells = {"input": {"activity": on}, "off": {"activity": 1.0 - on}}
    for pre, post in itertools.pairwise(order):
        drive = weight[f"{pre}->{post}"] @ cells[pre]["activity"]
        for other, onto in BESIDE:
            if onto == post:
                drive = drive + weight[f"{other}->{post}"] @ cells[other]["activity"]
        threshold = populations[post]["threshold"]
        fired = spike(drive - threshold)
        followed = threshold + CALM * (fired - 0.5) / fired.shape[0]
        if post != "output":
            cells[post] = {"drive": drive, "activity": fired, "threshold": followed}
            continue
        wanted = jax.nn.one_hot(experience["target"], fired.shape[0])
        # Nobody hears how close an output cell was to firing; it is what the learner answers.
        cells[post] = {
            "activity": drive - threshold, "spike": fired, "wanted": wanted,
            "threshold": threshold + CALM * (fired - wanted),
        }  # fmt: skip
    said = complain(cells["output"]["wanted"], cells["output"]["spike"])
    for teller, activity in zip(TELLERS, said, strict=True):
        cells[teller] = {"activity": activity}
    for name in order[1:-1]:
        excited, calmed = (weight[f"{t}~>{name}"] @ cells[t]["activity"] for t in TELLERS)
        cells[name] = {**cells[name], "heard": excited + calmed}
    return {"populations": cells, "projections": _changed(state, cells, order, bounded)}


def _changed(state, cells, order, bounded):
    projections = dict(state["projections"])
    for pre, post in (*itertools.pairwise(order), *BESIDE):
        said = cells[post]
        error = said["wanted"] - said["spike"] if post == "output" else said["heard"]
        before = projections[f"{pre}->{post}"]["weight"]
        change = RATE * error[:, None] * cells[pre]["activity"]
        projections[f"{pre}->{post}"] = {"weight": bounded(before + change)}
    return projections


def subject_of(name: str, **replaced):
    """This learner, with some of its parts replaced."""
    return base.subject_of(name, functools.partial(step, **replaced), born)


def subject():
    return subject_of("spiking")
