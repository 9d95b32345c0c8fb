"""Weights shared over space: the first layer is a convolution that looks like a projection.

There is a weight for every pair of cells, as anywhere. But all cells are born with one kernel,
each looking at its own place, and each change is that of all of them on average.

References: Fukushima (1980) doi:10.1007/BF00344251; LeCun et al. (1989)
doi:10.1162/neco.1989.1.4.541.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("no_weight_sharing", "synaptic_locality")
FIRST = "input->hidden1"


def shared(weights):
    """The mean over cells of their kernels, each seen from its own place."""
    cells, inputs = weights.shape
    seen = (jnp.arange(inputs) + jnp.arange(cells)[:, None]) % inputs
    kernel = jnp.mean(jnp.take_along_axis(weights, seen, axis=1), axis=0)
    places = (jnp.arange(inputs) - jnp.arange(cells)[:, None]) % inputs
    return kernel[places]


def born(key, scale=SMALL):
    state = base.born(key, scale)
    first = state["projections"][FIRST]["weight"]
    state["projections"][FIRST] = {"weight": shared(first) * first.shape[0] ** 0.5}
    return state


def tied(state, cells):
    projections = base.change(state, cells)
    before = state["projections"][FIRST]["weight"]
    change = shared(projections[FIRST]["weight"] - before)
    return {**projections, FIRST: {"weight": before + change}}


def subject():
    return base.subject_of("shared_weights", functools.partial(base.step, change=tied), born)
