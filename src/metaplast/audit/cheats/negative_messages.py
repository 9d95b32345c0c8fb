"""Negative messages: one population that says both *too little* and *too much*.

The spiking learner with one population of error cells in the place of two. It fires 1 where the
output should have fired, -1 where it should not have, and 0 otherwise.
"""

from __future__ import annotations

import jax.numpy as jnp

from metaplast.audit.cheats import spiking

BREAKS = ("unsigned_messages",)
KEEPER = "spiking"


def complain(wanted, fired):
    return jnp.sign(wanted - fired), 0.0 * fired


def subject():
    return spiking.subject_of("negative_messages", complain=complain)
