"""A single cell, moment by moment, and what one synapse between two such cells becomes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from metaplast.neurons.abstract import POOL
from metaplast.types import Synapse


def driven(cell_type, drives, apical=None, key=None):
    """States and cells `[moments]` of one cell that hears `drives` below and `apical` above."""
    drives = jnp.asarray(drives)
    apical = jnp.zeros_like(drives) if apical is None else jnp.asarray(apical)
    pool, modulator = jnp.zeros(POOL), jnp.zeros(1)

    def moment(state, heard):
        drive, above, at = heard
        now = None if key is None else jax.random.fold_in(key, at)
        state, cell = cell_type.fire(state, drive, now)
        state, cell = cell_type.rebalance(state, cell, pool)
        state, cell = cell_type.reply(state, cell, above, pool, modulator)
        return state, (state, cell)

    born = cell_type.init(jnp.asarray(0.0), jnp.asarray(1.0))
    born = jax.tree.map(lambda leaf: jnp.asarray(leaf, drives.dtype), born)
    return jax.lax.scan(moment, born, (drives, apical, jnp.arange(drives.shape[0])))[1]


def between(rule, pre, post, modulators=None, weight=0.0):
    """Weight `[moments]` of one synapse between two cells that are known for all moments."""
    if modulators is None:
        modulators = jnp.zeros((pre.activity.shape[0], 1))

    def moment(carry, seen):
        weight, memory = carry
        pre, post, modulator = seen
        change, memory = rule(Synapse(weight, pre, post, modulator), memory)
        return (weight + change, memory), weight + change

    begin = (jnp.asarray(weight, pre.activity.dtype), rule.init())
    return jax.lax.scan(moment, begin, (pre, post, modulators))[1]
