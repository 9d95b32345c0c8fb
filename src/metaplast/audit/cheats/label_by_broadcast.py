"""The label, told to everybody by way of the output cells.

Output cells write down what they are told (`told`, one number each), and a single neuromodulator
carries which of them it was: one value, made of fields of output cells. Each hidden cell has a
taste for some labels, and its synapses make it active when one of these is announced. What the
output cells answered is not asked.

With `announced=surprise` it is the honest twin: the same code, whose neuromodulator says how wrong
the output was.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("teaching_at_output",)


def label(told, activity):
    """Which class was wanted."""
    del activity
    return told @ jnp.arange(told.shape[0], dtype=told.dtype)


def surprise(told, activity):
    """How far the answer was from what was wanted."""
    return jnp.mean((told - activity) ** 2)


def born(key, scale=SMALL):
    state, size = base.born(key, scale), base.sizes(scale)
    shapes = {n: p["weight"].shape for n, p in state["projections"].items() if "~>" not in n}
    state["projections"] = base.drawn(key, shapes)
    state["populations"]["output"]["told"] = jnp.zeros(scale.outputs)
    for name in list(size)[1:-1]:
        taste = jax.random.normal(jax.random.fold_in(key, size[name]), (size[name],))
        state["populations"][name]["taste"] = taste
    return {**state, "broadcast": {"modulator": jnp.zeros(1)}}


def subject(announced: Callable = label):
    def step(state, experience, key):
        del key
        cells = base.forward(state, experience)
        activity = cells["output"]["activity"]
        told = jax.nn.one_hot(experience["target"], activity.shape[0])
        cells["output"] = {**cells["output"], "told": told, "error": told - activity}
        modulator = announced(told, activity)[None]
        for name in base.names(state)[1:-1]:
            taste = state["populations"][name]["taste"]
            heard = jnp.sin(3.0 * taste * (1.0 + modulator[0])) - cells[name]["activity"]
            cells[name] = {**cells[name], "taste": taste, "error": heard}
        return {
            "populations": cells,
            "projections": base.change(state, cells),
            "broadcast": {"modulator": modulator},
        }

    return base.subject_of("label_by_broadcast", step, born)
