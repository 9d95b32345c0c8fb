"""Batch statistics across cells, kept as if they were each cell's own habituation.

Every hidden cell has a field `used_to`, a slow mean, as honest cells may. But what runs into it
is the mean of the whole layer, so each cell is used to what the others did.

References: Ioffe & Szegedy (2015) arXiv:1502.03167.
"""

from __future__ import annotations

import functools
import itertools

import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("neuronal_locality",)
SLOW = 0.1


def born(key, scale=SMALL):
    state, size = base.born(key, scale), base.sizes(scale)
    for name in list(size)[1:-1]:
        state["populations"][name]["used_to"] = jnp.zeros(size[name])
    return state


def habituated(state, experience):
    cells = {"input": {"activity": experience["stimulus"]}}
    for pre, post in itertools.pairwise(base.names(state)):
        drive = state["projections"][f"{pre}->{post}"]["weight"] @ cells[pre]["activity"]
        if post == "output":
            cells[post] = {"drive": drive, "activity": drive}
            continue
        used_to = state["populations"][post]["used_to"]
        activity = jnp.tanh(drive - used_to)
        used_to = used_to + SLOW * (jnp.mean(drive) - used_to)
        cells[post] = {"drive": drive, "activity": activity, "used_to": used_to}
    return cells


def subject():
    step = functools.partial(base.step, forward=habituated)
    return base.subject_of("batch_statistics", step, born)
