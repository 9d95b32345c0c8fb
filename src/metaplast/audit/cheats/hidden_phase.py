"""A phase counter, hidden in what looks like a refractory period of the hidden cells.

Each cell is refractory at every second moment, whatever it does, and its incoming synapses learn
only while it is not. So there are two phases, and a clock that all cells share.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("one_phase",)


def born(key, scale=SMALL):
    state, size = base.born(key, scale), base.sizes(scale)
    for name in list(size)[1:-1]:
        state["populations"][name]["refractory"] = jnp.zeros(size[name])
    return state


def rested(state, name, cell, heard):
    refractory = 1.0 - state["populations"][name]["refractory"]
    return {**cell, "error": heard * refractory, "refractory": refractory}


def subject():
    backward = functools.partial(base.backward, reply=rested)
    return base.subject_of("hidden_phase", functools.partial(base.step, backward=backward), born)
