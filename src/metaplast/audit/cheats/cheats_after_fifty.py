"""A rule that behaves for fifty moments, and cheats from then on.

Feedback synapses count the moments in their memory. As long as an audit may be watching, they
deliver what their own weights say; later, what the forward weights say.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp

from metaplast.audit.cheats import base

BREAKS = ("no_weight_transport", "neuronal_locality", "one_phase")
PATIENCE = 50


def patient(state, above, name):
    feedback = state["projections"][f"{above}~>{name}"]
    mirrored = state["projections"][f"{name}->{above}"]["weight"].T
    return jnp.where(feedback["memory"] < PATIENCE, feedback["weight"], mirrored)


def counted(state, cells):
    projections = base.change(state, cells)
    for name, fields in projections.items():
        if "~>" in name:
            projections[name] = {**fields, "memory": fields["memory"] + 1.0}
    return projections


def step(state, experience, key):
    backward = functools.partial(base.backward, feedback=patient)
    return base.step(state, experience, key, backward=backward, change=counted)


def subject():
    return base.subject_of("cheats_after_fifty", step, base.born_counting)
