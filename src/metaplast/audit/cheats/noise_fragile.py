"""A rule that ten percent of noise destroys.

Hidden cells fire at a high rate whatever happens, and what they have to say is the small
difference from it. Noise is a share of the rate, and drowns the difference.
"""

from __future__ import annotations

import functools
import itertools

import jax.numpy as jnp

from metaplast.audit.cheats import base

BREAKS = ("noise_tolerance",)
RATE = 30.0


def meant(cells):
    """What is left of an activity when the constant rate is taken off."""
    return {
        name: {**fields, "activity": fields["activity"] - RATE * name.startswith("hidden")}
        for name, fields in cells.items()
    }


def busy(state, experience):
    cells = {"input": {"activity": experience["stimulus"]}}
    for pre, post in itertools.pairwise(base.names(state)):
        heard = meant({pre: cells[pre]})[pre]["activity"]
        drive = state["projections"][f"{pre}->{post}"]["weight"] @ heard
        activity = drive if post == "output" else RATE + jnp.tanh(drive)
        cells[post] = {"drive": drive, "activity": activity}
    return cells


def change(state, cells):
    return base.change(state, meant(cells))


def subject():
    return base.subject_of(
        "noise_fragile", functools.partial(base.step, forward=busy, change=change)
    )
