"""Names for nearest class mean: the mean of a class is what its output cell's synapses hold."""

from __future__ import annotations

import jax

from metaplast.audit.subject import State
from metaplast.learners.nearest_class_mean import MeanState


class NearestMeanNaming:
    """Input cells, and one output cell for each class, which counts its examples."""

    def named(self, learner, state, activities) -> State:
        output = {"activity": activities["output"], "count": state.counts}
        return {
            "populations": {"input": {"activity": activities["input"]}, "output": output},
            "projections": {"input->output": {"weight": state.means}},
        }

    def plain(self, learner, state) -> MeanState:
        weight = state["projections"]["input->output"]["weight"]
        return MeanState(weight, state["populations"]["output"]["count"])

    def activities(self, learner, state, stimulus) -> dict[str, jax.Array]:
        return {"input": stimulus}
