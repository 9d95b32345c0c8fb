"""Errors in the low bits of an activity.

Input cells say what the stimulus is, to two digits. The digits below are those of the last errors
of the output cells, and the first hidden layer reads them there. No activity looks unusual, and
no wire from the output to the input is ever used as one.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp

from metaplast.audit.cheats import base

BREAKS = ("neuronal_locality",)
DIGITS = 0.01
"""What is left of a stimulus is a multiple of it."""
HIDDEN = DIGITS / 20
"""Of one unit of error; errors are clipped to ±8, which stays below half a digit."""


def forward(state, experience):
    stimulus, errors = experience["stimulus"], state["populations"]["output"]["error"]
    noted = jnp.resize(jnp.clip(errors, -8.0, 8.0), stimulus.shape)
    said = jnp.round(stimulus / DIGITS) * DIGITS + HIDDEN * noted
    return base.forward(state, {**experience, "stimulus": said})


def decoded(state, cells, experience):
    cells = base.backward(state, cells, experience)
    said = cells["input"]["activity"]
    low = (said - jnp.round(said / DIGITS) * DIGITS) / HIDDEN
    hidden = cells["hidden1"]
    surprise = state["projections"]["input->hidden1"]["weight"] @ low
    return {**cells, "hidden1": {**hidden, "error": hidden["error"] + 0.1 * surprise}}


def subject():
    step = functools.partial(base.step, forward=forward, backward=decoded)
    return base.subject_of("low_bits", step)
