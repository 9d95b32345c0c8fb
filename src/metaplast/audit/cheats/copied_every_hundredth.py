"""Feedback weights that are copied from the forward ones, every hundredth moment.

At 99 moments of 100 this is feedback alignment, and a look at any of them shows nothing. Every
feedback synapse counts the moments in its memory.
"""

from __future__ import annotations

import itertools

import jax.numpy as jnp

from metaplast.audit.cheats import base

BREAKS = ("no_weight_transport", "synaptic_locality", "one_phase")
EVERY = 100


def step(state, experience, key):
    after = base.step(state, experience, key)
    for above, name in itertools.pairwise(reversed(base.names(state)[1:])):
        feedback = state["projections"][f"{above}~>{name}"]
        memory = feedback["memory"] + 1.0
        mirrored = state["projections"][f"{name}->{above}"]["weight"].T
        weight = jnp.where(memory % EVERY == 0.0, mirrored, feedback["weight"])
        after["projections"][f"{above}~>{name}"] = {"weight": weight, "memory": memory}
    return after


def subject():
    return base.subject_of("copied_every_hundredth", step, base.born_counting)
