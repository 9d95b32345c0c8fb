"""A tape of activations that grows with the horizon.

Every hidden cell keeps all that it ever did, newest first, and its error at every moment is that
of the tape: backprop through time needs such a thing, and cells have no room for it.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("no_stored_activations",)
FADING = 0.5


def born(key, scale=SMALL):
    state, size = base.born(key, scale), base.sizes(scale)
    for name in list(size)[1:-1]:
        state["populations"][name]["tape"] = jnp.zeros((size[name], scale.horizon))
    return state


def recorded(state, name, cell, heard):
    tape = state["populations"][name]["tape"]
    tape = jnp.concatenate([heard[:, None], tape[:, :-1]], axis=1)
    error = jnp.sum(tape * FADING ** jnp.arange(tape.shape[1]), axis=1)
    return {**cell, "tape": tape, "error": error}


def subject():
    backward = functools.partial(base.backward, reply=recorded)
    return base.subject_of("tape", functools.partial(base.step, backward=backward), born)
