"""A replay buffer: every example is kept, and an old one is learned again beside the new one.

Input cells and output cells keep their side of each example, so that every cell stores only what
it has seen itself. What each keeps grows with the length of the life.

References: Lin (1992) doi:10.1007/BF00992699.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("no_stored_activations",)


def born(key, scale=SMALL):
    state = base.born(key, scale)
    for name, cells in (("input", scale.inputs), ("output", scale.outputs)):
        state["populations"][name]["kept"] = jnp.zeros((cells, scale.horizon))
    return state


def step(state, experience, key):
    stimuli, wanted = (state["populations"][name]["kept"] for name in ("input", "output"))
    which = jax.random.randint(key, (), 0, stimuli.shape[1])
    old = {"stimulus": stimuli[:, which], "target": jnp.argmax(wanted[:, which])}
    dreamed = base.step(state, old, key)
    seen = wanted[:, which].sum() > 0
    projections = jax.tree.map(
        lambda now, then: jnp.where(seen, then, now), state["projections"], dreamed["projections"]
    )
    after = base.step({**state, "projections": projections}, experience, key)
    told = jax.nn.one_hot(experience["target"], wanted.shape[0])
    for name, kept, new in (
        ("input", stimuli, experience["stimulus"]),
        ("output", wanted, told),
    ):
        kept = jnp.concatenate([new[:, None], kept[:, :-1]], axis=1)
        after["populations"][name] = {**after["populations"][name], "kept": kept}
    return after


def subject():
    return base.subject_of("replay_buffer", step, born)
