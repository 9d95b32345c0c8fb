"""Look-ahead by one moment.

A moment of it is honest. But it lives whole lives of its own, and there the hidden cells are
shown each stimulus together with the one that comes next.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from metaplast.audit.cheats import base

BREAKS = ("causality",)


def life(state, experiences, key):
    """States after every moment of a life."""
    now = experiences["stimulus"]
    following = jnp.concatenate([now[1:], now[-1:]])
    foreseen = {**experiences, "stimulus": now + 0.1 * following}

    def moment(state, experience):
        state = base.step(state, experience, key)
        return state, state

    return jax.lax.scan(moment, state, foreseen)[1]


def subject():
    return base.subject_of("look_ahead", life=life)
