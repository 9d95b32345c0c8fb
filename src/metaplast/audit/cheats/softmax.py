"""A softmax without the circuit for it.

Every output cell divides by the sum of what all of them would say. A population can do that with
an interneuron that hears all of its cells and inhibits them; here there is none.
"""

from __future__ import annotations

import functools

import jax

from metaplast.audit.cheats import base

BREAKS = ("neuronal_locality",)


def shared(state, experience):
    cells = base.forward(state, experience)
    output = cells["output"]
    return {**cells, "output": {**output, "activity": jax.nn.softmax(output["drive"])}}


def subject():
    return base.subject_of("softmax", functools.partial(base.step, forward=shared))
