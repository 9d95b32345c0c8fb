"""A rule that needs the precision of its weights.

The spiking learner, with a large weight at every synapse; what counts is how little it differs
from a fixed one. With as many strengths as real synapses can tell apart, all of them are the same.

References: Bartol et al. (2015) doi:10.7554/eLife.10778.
"""

from __future__ import annotations

import jax

from metaplast.audit.cheats import base, spiking
from metaplast.audit.subject import SMALL

BREAKS = ("synaptic_precision",)
KEEPER = "spiking"
OFFSET = 100.0


def shifted(projections, offset):
    return jax.tree.map(lambda weight: weight + offset, projections)


def born(key, scale=SMALL):
    state = spiking.born(key, scale)
    return {**state, "projections": shifted(state["projections"], OFFSET)}


def step(state, experience, key):
    state = {**state, "projections": shifted(state["projections"], -OFFSET)}
    after = spiking.step(state, experience, key)
    return {**after, "projections": shifted(after["projections"], OFFSET)}


def subject():
    return base.subject_of("needs_precision", step, born)
