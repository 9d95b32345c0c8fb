"""A replay of three examples, stored a little changed and at random places.

Every cell has three slots. At each moment one of them, drawn at random for all cells, is
overwritten with what the cell says, a little smaller; another one is read, and what it holds is
learned once more by the readout. No slot is a copy of another, none holds a value that anybody
ever had, and there are few of them.

With `slots=1` it is the honest twin: the same code, whose cells keep one value that is renewed at
every third moment or so.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from metaplast.audit.cheats import base
from metaplast.audit.subject import SMALL

BREAKS = ("no_stored_activations",)
SLOTS = 3


def born(key, scale=SMALL, slots=SLOTS):
    state = base.born(key, scale)
    for name in base.names(state)[-2:]:
        fields = state["populations"][name]
        cells = fields["activity"].shape[0]
        fields |= {"slots": jnp.zeros((cells, slots)), "old": jnp.zeros(cells)}
    return state


def subject(slots: int = SLOTS):
    def step(state, experience, key):
        after = base.step(state, experience, key)
        cells, below = after["populations"], base.names(state)[-2]
        top = after["projections"][f"{below}->output"]["weight"]
        write, read = jax.random.randint(key, (2,), 0, SLOTS)
        here = jax.nn.one_hot(write, SLOTS)[:slots]
        wanted = cells["output"]["error"] + cells["output"]["activity"]
        for name, now in ((below, cells[below]["activity"]), ("output", wanted)):
            kept = state["populations"][name]["slots"]
            kept = jnp.where(here > 0, (0.999 * now + 1e-4)[:, None], kept)
            old = kept[:, jnp.minimum(read, slots - 1)]
            cells[name] = {**cells[name], "slots": kept, "old": old}
        cells["output"]["old"] = cells["output"]["old"] - top @ cells[below]["old"]
        again = base.RATE * cells["output"]["old"][:, None] * cells[below]["old"]
        after["projections"][f"{below}->output"] = {"weight": top + again}
        return after

    return base.subject_of("replay_slots", step, lambda key, scale: born(key, scale, slots))
