"""Names for forward-forward: labels come in like stimuli, and hidden cells drive the readout."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp

from metaplast.audit.cheats.base import layers
from metaplast.audit.subject import State
from metaplast.learners.perceptron import Layers


class ForwardForwardNaming:
    """Input cells and label cells drive the first hidden layer. The activity of hidden cells is
    that for no label; output cells compare the goodness of all hidden layers for every label, over
    wires that have no weights."""

    def named(self, learner, state, activities) -> State:
        names = layers(len(learner.hidden))
        cells: dict[str, Any] = {name: {"activity": said} for name, said in activities.items()}
        synapses: dict[str, Any] = {}
        for k, (weight, bias) in enumerate(zip(*state, strict=True)):
            cells[names[k + 1]]["bias"] = bias
            synapses[f"{names[k]}->{names[k + 1]}"] = {"weight": weight}
            synapses[f"{names[k + 1]}->output"] = {}
        first = state.weights[0]
        synapses["input->hidden1"] = {"weight": first[:, : learner.inputs]}
        synapses["label->hidden1"] = {"weight": first[:, learner.inputs :]}
        return {"populations": cells, "projections": synapses}

    def plain(self, learner, state) -> Layers:
        names = layers(len(learner.hidden))
        synapses = state["projections"]
        weights = [
            synapses[f"{pre}->{post}"]["weight"] for pre, post in itertools.pairwise(names[:-1])
        ]
        weights[0] = jnp.concatenate([weights[0], synapses["label->hidden1"]["weight"]], 1)
        return Layers(weights, [state["populations"][name]["bias"] for name in names[1:-1]])

    def activities(self, learner, state, stimulus) -> dict[str, jax.Array]:
        unlabelled = jnp.zeros(learner.classes)
        said = learner.sweep(state, stimulus, unlabelled)[1]
        hidden = {f"hidden{k + 1}": activity for k, activity in enumerate(said)}
        return {"input": stimulus, "label": unlabelled, **hidden}
