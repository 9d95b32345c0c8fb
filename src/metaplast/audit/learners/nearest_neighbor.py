"""Names for the nearest neighbor: what it stores is what it is, one value per cell and moment."""

from __future__ import annotations

import jax

from metaplast.audit.subject import State
from metaplast.learners.nearest_neighbor import Memory


class NearestNeighborNaming:
    """Every input cell keeps its part of all stimuli; what belongs to an example as a whole (its
    length, its class, how many there are) is told to everybody."""

    def named(self, learner, state, activities) -> State:
        stored = {"activity": activities["input"], "stored": state.stimuli.T}
        return {
            "populations": {"input": stored, "output": {"activity": activities["output"]}},
            "projections": {"input->output": {}},
            "broadcast": {
                "energy": state.energy, "targets": state.targets, "stored": state.stored,
            },
        }  # fmt: skip

    def plain(self, learner, state) -> Memory:
        told = state["broadcast"]
        stimuli = state["populations"]["input"]["stored"].T
        return Memory(stimuli, told["energy"], told["targets"], told["stored"])

    def activities(self, learner, state, stimulus) -> dict[str, jax.Array]:
        return {"input": stimulus}
