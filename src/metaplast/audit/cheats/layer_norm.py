"""Layer normalization: cells that know the mean and the variance of their whole population.

One line in the forward sweep, as in any network of today; there is no cell that could have
computed the two numbers, and no wire over which they could have come.

References: Ba, Kiros & Hinton (2016) arXiv:1607.06450.
"""

from __future__ import annotations

import functools
import itertools

import jax.numpy as jnp

from metaplast.audit.cheats import base

BREAKS = ("neuronal_locality",)


def normalized(state, experience):
    cells = {"input": {"activity": experience["stimulus"]}}
    for pre, post in itertools.pairwise(base.names(state)):
        drive = state["projections"][f"{pre}->{post}"]["weight"] @ cells[pre]["activity"]
        scaled = (drive - jnp.mean(drive)) / jnp.sqrt(jnp.var(drive) + 0.1)
        activity = drive if post == "output" else jnp.tanh(scaled)
        cells[post] = {"drive": drive, "activity": activity}
    return cells


def subject():
    return base.subject_of("layer_norm", functools.partial(base.step, forward=normalized))
