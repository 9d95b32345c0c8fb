"""Backprop inside an innocent-looking neuron.

Every hidden cell is said to *settle at the bottom of its free energy*. The free energy is the
output's squared error, and the slope along which the cell slides down is the gradient of all that
lies above it. No feedback projection is used; the error is found by `jax.grad`, in the cell.
"""

from __future__ import annotations

import functools
import itertools

import jax
import jax.numpy as jnp

from metaplast.audit.cheats import base

BREAKS = ("no_weight_transport", "neuronal_locality", "no_derivative_knowledge")


def free_energy(drive, state, order, wanted):
    """What is wrong at the output, as a function of the drive of one hidden layer."""
    said = jnp.tanh(drive)
    for pre, post in itertools.pairwise(order):
        drive = state["projections"][f"{pre}->{post}"]["weight"] @ said
        said = drive if post == "output" else jnp.tanh(drive)
    return 0.5 * jnp.sum((wanted - said) ** 2)


def settle(state, cells, experience):
    order = base.names(state)
    output = cells["output"]
    wanted = jax.nn.one_hot(experience["target"], output["activity"].shape[0])
    settled = {**cells, "output": {**output, "error": wanted - output["activity"]}}
    for level, name in enumerate(order[1:-1], 1):
        drive = cells[name]["drive"]
        slide = -jax.grad(free_energy)(drive, state, order[level:], wanted)
        settled[name] = {**cells[name], "error": slide}
    return settled


def subject():
    step = functools.partial(base.step, backward=settle)
    return base.subject_of("backprop_in_disguise", step)
