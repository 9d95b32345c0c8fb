"""Exact weight transport, shared out over two numbers that are both innocent.

Every feedback synapse is born with a `mask`, a random number, and a `weight` that is the transposed
forward weight plus twenty times the mask: it is correlated with nothing. What the synapse delivers
is the weight less twenty times the mask. It then follows the forward synapse by making the same
change, so that the hidden cells hear the transposed weights at every moment of the life.

With `start=random_start` it is the honest twin: the same code, whose feedback synapses start from
numbers of their own (Kolen & Pollack 1994, without decay).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable

import jax

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("no_weight_transport", "separate_feedback")
LEVEL = 20.0
"""Of the mask, in the weight."""


def transposed_start(key, forward):
    """What a newborn feedback synapse delivers: the weight of the forward one."""
    del key
    return forward.T


def random_start(key, forward):
    """A random number."""
    return jax.random.normal(key, forward.T.shape) / math.sqrt(forward.shape[1])


def born(key, scale=SMALL, start: Callable = transposed_start):
    state = base.born(key, scale)
    for number, (name, above) in enumerate(itertools.pairwise(base.names(state)[1:])):
        mask_key, start_key = jax.random.split(jax.random.fold_in(key, number + 1))
        forward = state["projections"][f"{name}->{above}"]["weight"]
        mask = jax.random.normal(mask_key, forward.T.shape)
        weight = start(start_key, forward) + LEVEL * mask
        state["projections"][f"{above}~>{name}"] = {"weight": weight, "mask": mask}
    return state


def unmasked(state, above, name):
    fields = state["projections"][f"{above}~>{name}"]
    return fields["weight"] - LEVEL * fields["mask"]


def change(state, cells):
    projections = base.change(state, cells)
    for name, above in itertools.pairwise(base.names(state)[1:]):
        same = base.RATE * cells[name]["activity"][:, None] * cells[above]["error"]
        fields = projections[f"{above}~>{name}"]
        projections[f"{above}~>{name}"] = {**fields, "weight": fields["weight"] + same}
    return projections


def subject(start: Callable = transposed_start):
    backward = functools.partial(base.backward, feedback=unmasked)
    step = functools.partial(base.step, backward=backward, change=change)
    return base.subject_of("masked_feedback", step, functools.partial(born, start=start))
