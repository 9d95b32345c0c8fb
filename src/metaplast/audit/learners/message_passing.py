"""Names for synapses that remember: what one holds beside its weight is its memory."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp

from metaplast.audit.cheats.base import layers
from metaplast.audit.subject import State
from metaplast.learners.message_passing import Layer


class MessagePassingNaming:
    """One set of synapses, which carries messages both ways: there are no feedback projections.

    A synapse from the cell that always says 1 belongs to the cell at which it ends. The activity
    of hidden cells is what they say on all channels; what they and the output cells send down is
    a field of theirs, too.
    """

    def named(self, learner, state, activities) -> State:
        names = layers(len(learner.sizes) - 2)
        cells: dict[str, Any] = {name: {"activity": activities[name]} for name in names}
        synapses: dict[str, Any] = {}
        for pre, post, layer in zip(names, names[1:], state, strict=False):
            memory = jnp.stack(layer.memory, -1)
            synapses[f"{pre}->{post}"] = {"weight": layer.weight[:, :-1], "memory": memory[:, :-1]}
            cells[post] |= {"bias": layer.weight[:, -1], "memory of bias": memory[:, -1]}
        return {"populations": cells, "projections": synapses}

    def plain(self, learner, state) -> list[Layer]:
        found = []
        for pre, post in itertools.pairwise(layers(len(learner.sizes) - 2)):
            synapses, cells = state["projections"][f"{pre}->{post}"], state["populations"][post]
            weight = jnp.concatenate([synapses["weight"], cells["bias"][:, None]], 1)
            memory = jnp.concatenate([synapses["memory"], cells["memory of bias"][:, None]], 1)
            found.append(Layer(weight, tuple(jnp.moveaxis(memory, -1, 0))))
        return found

    def activities(self, learner, state, stimulus) -> dict[str, jax.Array]:
        said, _ = learner.forward(state, stimulus)
        return dict(zip(layers(len(learner.sizes) - 2), [stimulus, *said[1:]], strict=False))

    def told(self, learner, state, experience, task, key) -> dict[str, dict[str, Any]]:
        said, drives = learner.forward(state, experience["stimulus"])
        sent = learner.backward(state, said, drives, experience["target"], task)
        names = layers(len(learner.sizes) - 2)[1:]
        return {"populations": {n: {"sent": m} for n, m in zip(names, sent, strict=True)}}
