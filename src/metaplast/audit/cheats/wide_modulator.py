"""An error vector, smuggled through a modulator that is as wide as the output.

Nobody sends errors to hidden cells; they only listen to neuromodulators, as cells do. There is
one neuromodulator for each output cell, which carries that cell's signed error, and every hidden
cell is sensitive to one of them.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("broadcast_bandwidth",)
LEVEL = 2.0
"""Of a modulator, per unit of error."""


def born(key, scale=SMALL):
    state, size = base.born(key, scale), base.sizes(scale)
    shapes = {n: p["weight"].shape for n, p in state["projections"].items() if "~>" not in n}
    state["projections"] = base.drawn(key, shapes)
    for name in list(size)[1:-1]:
        sensitivity = jax.random.normal(jax.random.fold_in(key, size[name]), (size[name],))
        state["populations"][name]["sensitivity"] = sensitivity
    return {**state, "broadcast": {"modulator": jnp.zeros(scale.outputs)}}


def step(state, experience, key):
    cells = base.forward(state, experience)
    output = cells["output"]
    wanted = jax.nn.one_hot(experience["target"], output["activity"].shape[0])
    error = wanted - output["activity"]
    cells["output"] = {**output, "error": error}
    modulator = LEVEL * error
    for name in base.names(state)[1:-1]:
        sensitivity = state["populations"][name]["sensitivity"]
        told = sensitivity * jnp.resize(modulator, sensitivity.shape)
        cells[name] = {**cells[name], "sensitivity": sensitivity, "error": told}
    return {
        "populations": cells,
        "projections": base.change(state, cells),
        "broadcast": {"modulator": modulator},
    }


def subject():
    return base.subject_of("wide_modulator", step, born)
