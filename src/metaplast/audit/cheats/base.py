"""The honest learner that most cheats are made of: feedback alignment, as a plain function.

Hidden cells are driven by the layer below and hear the layer above over random weights of its
own, output cells know what was wanted of them, and a synapse multiplies what its two cells say.
Hidden cells do not ask for the slope of their nonlinearity. The sweeps of a moment are arguments
of `step`, and so are the parts of the backward sweep; a cheat replaces one and leaves the rest.

References: Lillicrap et al. (2016) doi:10.1038/ncomms13276.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from metaplast.audit.subject import SMALL, Scale, State, Subject, from_function

RATE = 0.1
Cells = dict[str, dict[str, jax.Array]]


def layers(depth: int) -> list[str]:
    """Names of the populations of a network with so many hidden layers."""
    return ["input", *(f"hidden{k + 1}" for k in range(depth)), "output"]


def names(state: State) -> list[str]:
    """The layers of a state, in order; other populations are left out."""
    return layers(sum(name.startswith("hidden") for name in state["populations"]))


def sizes(scale: Scale) -> dict[str, int]:
    """Cells by layer."""
    cells = (scale.inputs, *scale.hidden, scale.outputs)
    return dict(zip(layers(len(scale.hidden)), cells, strict=True))


def born(key, scale: Scale = SMALL) -> State:
    """Silent cells, random weights, and feedback weights of their own."""
    size = sizes(scale)
    populations: Cells = {name: {"activity": jnp.zeros(n)} for name, n in size.items()}
    for name in list(size)[1:]:
        populations[name] |= {"drive": jnp.zeros(size[name]), "error": jnp.zeros(size[name])}
    shapes = {}
    for pre, post in itertools.pairwise(size):
        shapes[f"{pre}->{post}"] = (size[post], size[pre])
        if pre != "input":
            shapes[f"{post}~>{pre}"] = (size[pre], size[post])
    return {"populations": populations, "projections": drawn(key, shapes)}


def born_counting(key, scale: Scale = SMALL) -> State:
    """The same newborn, whose feedback synapses have a memory in which they can count moments."""
    state = born(key, scale)
    for name, fields in state["projections"].items():
        if "~>" in name:
            fields["memory"] = jnp.zeros(fields["weight"].shape)
    return state


def drawn(key, shapes: dict[str, tuple[int, int]]) -> dict[str, dict[str, jax.Array]]:
    """Normal weights of variance 1 / fan-in for each projection, from one draw."""
    counts = [math.prod(shape) for shape in shapes.values()]
    ends = list(itertools.accumulate(counts))[:-1]
    parts = jnp.split(jax.random.normal(key, (sum(counts),)), ends)
    return {
        name: {"weight": part.reshape(shape) / math.sqrt(shape[1])}
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def forward(state: State, experience) -> Cells:
    """Every layer fires for what the layer below says; the output is linear."""
    order = names(state)
    cells: Cells = {"input": {"activity": experience["stimulus"]}}
    for pre, post in itertools.pairwise(order):
        drive = state["projections"][f"{pre}->{post}"]["weight"] @ cells[pre]["activity"]
        activity = drive if post == "output" else jnp.tanh(drive)
        cells[post] = {"drive": drive, "activity": activity}
    return cells


def feedback(state: State, above: str, name: str) -> jax.Array:
    """The weights over which a layer hears the one above."""
    return state["projections"][f"{above}~>{name}"]["weight"]


def reply(state: State, name: str, cell: dict, heard: jax.Array) -> dict:
    """What becomes of the fields of hidden cells that hear something from above."""
    del state, name
    return {**cell, "error": heard}


def backward(
    state: State,
    cells: Cells,
    experience,
    feedback: Callable = feedback,
    reply: Callable = reply,
) -> Cells:
    """Output cells compare; every hidden layer hears the errors of the layer above."""
    order = names(state)
    output = cells["output"]
    wanted = jax.nn.one_hot(experience["target"], output["activity"].shape[0])
    cells = {**cells, "output": {**output, "error": wanted - output["activity"]}}
    for above, name in itertools.pairwise(reversed(order[1:])):
        heard = feedback(state, above, name) @ cells[above]["error"]
        cells[name] = reply(state, name, cells[name], heard)
    return cells


def change(state: State, cells: Cells) -> dict:
    """Every forward synapse: error of the one end times activity of the other."""
    projections = dict(state["projections"])
    for pre, post in itertools.pairwise(names(state)):
        name = f"{pre}->{post}"
        step = RATE * cells[post]["error"][:, None] * cells[pre]["activity"]
        projections[name] = {**projections[name], "weight": projections[name]["weight"] + step}
    return projections


def step(
    state: State,
    experience,
    key,
    forward: Callable = forward,
    backward: Callable = backward,
    change: Callable = change,
) -> State:
    """One moment: answer, be taught, change."""
    cells = backward(state, forward(state, experience), experience)
    return {"populations": cells, "projections": change(state, cells)}


def subject_of(
    name: str,
    step: Callable = step,
    born: Callable = born,
    scale: Scale = SMALL,
    **about,
) -> Subject:
    """The subject of a step and of a birth `(key, scale) -> state`, at any scale."""
    return from_function(
        name,
        step,
        lambda key: born(key, scale),
        lambda other: subject_of(name, step, born, other, **about),
        **about,
    )


def subject() -> Subject:
    """The honest learner."""
    return subject_of("honest")
