"""Names for the dendritic microcircuit: pyramidal cells, and interneurons of hidden layers."""

from __future__ import annotations

import itertools
from typing import Any

import jax

from metaplast.audit.cheats.base import layers
from metaplast.audit.subject import State
from metaplast.learners.dendritic_microcircuit import MicrocircuitState
from metaplast.learners.perceptron import Layers


class MicrocircuitNaming:
    """Layer `hidden1` has the interneurons `inner1`, one for each cell above, which pulls it over a
    wire of its own. What cells do while they settle has no names."""

    def named(self, learner, state, activities) -> State:
        names = layers(len(learner.network.sizes) - 2)
        cells: dict[str, Any] = {}
        synapses: dict[str, Any] = {}
        for k, name in enumerate(names):
            cells[name] = {"activity": activities[name]}
            if k:
                cells[name]["bias"] = state.layers.biases[k - 1]
                synapses[f"{names[k - 1]}->{name}"] = {"weight": state.layers.weights[k - 1]}
            if name.startswith("hidden"):
                inner, above = f"inner{k}", names[k + 1]
                cells[inner] = {
                    "activity": activities[inner], "bias": state.predicting.biases[k - 1],
                }  # fmt: skip
                synapses[f"{name}->{inner}"] = {"weight": state.predicting.weights[k - 1]}
                synapses[f"{above}~>{name}"] = {"weight": state.descending[k - 1]}
                synapses[f"{inner}~>{name}"] = {"weight": state.inhibition[k - 1]}
                synapses[f"{above}=>{inner}"] = {}
        return {"populations": cells, "projections": synapses}

    def plain(self, learner, state) -> MicrocircuitState:
        names = layers(len(learner.network.sizes) - 2)
        hidden = range(1, len(names) - 1)

        def weights(pairs) -> list[Any]:
            return [state["projections"][pair]["weight"] for pair in pairs]

        def biases(populations) -> list[Any]:
            return [state["populations"][population]["bias"] for population in populations]

        forward = [f"{pre}->{post}" for pre, post in itertools.pairwise(names)]
        inner = [f"inner{k}" for k in hidden]
        return MicrocircuitState(
            Layers(weights(forward), biases(names[1:])),
            weights(f"{names[k + 1]}~>{names[k]}" for k in hidden),
            Layers(weights(f"{names[k]}->inner{k}" for k in hidden), biases(inner)),
            weights(f"inner{k}~>{names[k]}" for k in hidden),
        )

    def activities(self, learner, state, stimulus) -> dict[str, jax.Array]:
        free = learner.settled(state, stimulus)
        names = layers(len(learner.network.sizes) - 2)
        said = dict(zip(names, [stimulus, *learner.rates(free.somatic)[:-1]], strict=False))
        inner = learner.rates(free.interneurons)
        return said | {f"inner{k + 1}": rate for k, rate in enumerate(inner)}
