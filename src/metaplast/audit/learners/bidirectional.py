"""Names for synapses of several states: each state has projections of its own, both ways."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp

from metaplast.audit.cheats.base import layers
from metaplast.audit.subject import State
from metaplast.learners.bidirectional import BidirectionalState


class BidirectionalNaming:
    """States of a synapse never meet, for each carries one state of its cell: they are as many
    bundles with the same ends. With one set of weights for both directions there are no feedback
    projections. A synapse from the cell that always says 1 belongs to the cell at which it ends.
    The activity of hidden cells is what they are on the way up; what all cells are when they have
    been taught is a field of theirs, too.
    """

    def named(self, learner, state, activities) -> State:
        names = layers(len(learner.sizes) - 2)
        cells: dict[str, Any] = {name: {"activity": activities[name]} for name in names}
        synapses: dict[str, Any] = {}
        for pre, post, forth in zip(names, names[1:], state.forward, strict=False):
            cells[post]["bias"] = forth[:, :, -1].T
            for bundle, weight in zip(_bundles(f"{pre}->{post}", len(forth)), forth, strict=True):
                synapses[bundle] = {"weight": weight[:, :-1]}
        for below, above, back in zip(names[1:], names[2:], state.backward, strict=False):
            for bundle, weight in zip(_bundles(f"{above}~>{below}", len(back)), back, strict=True):
                synapses[bundle] = {"weight": weight}
        return {"populations": cells, "projections": synapses}

    def plain(self, learner, state) -> BidirectionalState:
        names = layers(len(learner.sizes) - 2)
        sets = 1 if learner.symmetric else learner.states

        def weights(ends: str) -> jax.Array:
            bundles = [state["projections"][bundle]["weight"] for bundle in _bundles(ends, sets)]
            return jnp.stack(bundles)

        forward = [
            jnp.concatenate(
                [weights(f"{pre}->{post}"), state["populations"][post]["bias"].T[:, :, None]], 2
            )
            for pre, post in itertools.pairwise(names)
        ]
        ways_back = [] if learner.symmetric else itertools.pairwise(names[1:])
        back = [weights(f"{above}~>{below}") for below, above in ways_back]
        return BidirectionalState(forward, back)

    def activities(self, learner, state, stimulus) -> dict[str, jax.Array]:
        cells, _ = learner.forward(state, stimulus)
        return dict(zip(layers(len(learner.sizes) - 2), [stimulus, *cells[1:]], strict=False))

    def told(self, learner, state, experience, task, key) -> dict[str, dict[str, Any]]:
        cells, readout = learner.forward(state, experience["stimulus"])
        taught = learner.backward(state, cells, readout, experience["target"], task)
        named = zip(layers(len(learner.sizes) - 2)[1:], taught[1:], strict=True)
        return {"populations": {name: {"taught": states} for name, states in named}}


def _bundles(ends: str, states: int) -> list[str]:
    """Names of the projections between two populations, one for each state."""
    return [f"{ends} {state}" if state else ends for state in range(states)]
