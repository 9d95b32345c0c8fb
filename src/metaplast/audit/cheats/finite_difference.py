"""The derivative of the nonlinearity, by a finite difference.

Nothing is differentiated: each hidden cell only asks itself what it would do if it were driven a
little more, and a little less. Half the difference is the slope that backprop multiplies with.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp

from metaplast.audit.cheats import base

BREAKS = ("no_derivative_knowledge",)
LITTLE = 0.01


def wondered(state, name, cell, heard):
    more, less = jnp.tanh(cell["drive"] + LITTLE), jnp.tanh(cell["drive"] - LITTLE)
    return {**cell, "error": heard * (more - less) / (2.0 * LITTLE)}


def subject():
    backward = functools.partial(base.backward, reply=wondered)
    return base.subject_of("finite_difference", functools.partial(base.step, backward=backward))
