"""Transposed feedback under another name.

The feedback weights stay fixed and random, for show. What a hidden cell reads its error with are
its *receptors*: fields of the cell, into which the weights of its own outgoing synapses are
copied at every moment, transposed.
"""

from __future__ import annotations

import functools
import itertools

import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("no_weight_transport", "neuronal_locality")


def born(key, scale=SMALL):
    state, size = base.born(key, scale), base.sizes(scale)
    for name, above in itertools.pairwise(list(size)[1:]):
        state["populations"][name]["receptors"] = jnp.zeros((size[name], size[above]))
    return state


def receptors(state, above, name):
    return state["projections"][f"{name}->{above}"]["weight"].T


def reply(state, name, cell, heard):
    order = base.names(state)
    kept = receptors(state, order[order.index(name) + 1], name)
    return {**cell, "receptors": kept, "error": heard}


def subject():
    backward = functools.partial(base.backward, feedback=receptors, reply=reply)
    step = functools.partial(base.step, backward=backward)
    return base.subject_of("transposed_feedback", step, born)
