"""The label, told to hidden cells behind the output's back.

Besides the errors of the layer above, each hidden cell hears which class was right, over the
projection from the output that carries its errors. What the output cells say is not asked.
"""

from __future__ import annotations

import functools

import jax

from metaplast.audit.cheats import base

BREAKS = ("teaching_at_output", "neuronal_locality")


def told(state, cells, experience):
    def reply(state, name, cell, heard):
        if f"output~>{name}" in state["projections"]:
            weight = state["projections"][f"output~>{name}"]["weight"]
            label = jax.nn.one_hot(experience["target"], weight.shape[1])
            heard = heard + 0.1 * weight @ label
        return {**cell, "error": heard}

    return base.backward(state, cells, experience, reply=reply)


def subject():
    return base.subject_of("label_in_hidden", functools.partial(base.step, backward=told))
