"""A phase that starts at random, and that pretends to ask its cell.

Whether a life begins in the one phase or the other is drawn at birth. From then on the phase turns
at every moment at which the cell is not below -2, which its response never is; so no two lives need
have the same course, and the program says that the phase depends on the activity. Synapses learn
in one of the two phases only.

With `turns=by_activity` it is the honest twin: the same code, in which the cell turns when it is
excited.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("one_phase",)


def always(activity):
    """Whether the phase turns: it does."""
    return activity > -2.0


def by_activity(activity):
    """Whether the phase turns: where the cell is excited."""
    return activity > 0.0


def born(key, scale=SMALL):
    state, size = base.born(key, scale), base.sizes(scale)
    first = jax.random.bernoulli(jax.random.fold_in(key, 1)).astype(float)
    for name in list(size)[1:-1]:
        state["populations"][name]["phase"] = jnp.full(size[name], first)
    return state


def subject(turns: Callable = always):
    def reply(state, name, cell, heard):
        phase = state["populations"][name]["phase"]
        phase = jnp.where(turns(cell["activity"]), 1.0 - phase, phase)
        return {**cell, "phase": phase, "error": heard * phase}

    backward = functools.partial(base.backward, reply=reply)
    return base.subject_of("random_phase", functools.partial(base.step, backward=backward), born)
