"""Names for the learners that teach a perceptron: the way forward, the way back, and errors."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import jax
import jax.numpy as jnp

from metaplast.audit.cheats.base import layers as layer_names
from metaplast.audit.subject import State
from metaplast.learners.perceptron import Layers


@dataclasses.dataclass(frozen=True)
class PerceptronNaming:
    """Of a learner whose state is the layers of a perceptron, or has them and more.

    Weights are fields of their projections and biases of their cells. Of what else there is,
    matrices `[below, above]` are feedback projections (one alone runs from the output to the
    input; with `direct` feedback all of them come from the output), further layers run between
    hidden ones, and a single number is a broadcast. What the learner says that its cells tell
    each other (`errors`, `told`) are fields of the cells, or broadcasts, so that whoever uses one
    is known to read it and not all that it was made from. What cells do while they settle has no
    names; whoever uses what they settled at reads all that it depends on.
    """

    direct: bool = False

    def named(self, learner, state, activities) -> State:
        names = layer_names(len(learner.network.sizes) - 2)
        cells = {name: {"activity": activities[name]} for name in names}
        synapses: dict[str, Any] = {}
        told: dict[str, Any] = {}
        for field, part in _parts(state).items():
            for name, weight in self._back(names, field, part):
                synapses[name] = {"weight": weight}
            if field == "layers":
                for pre, post, weight, bias in zip(names, names[1:], *part, strict=False):
                    synapses[f"{pre}->{post}"] = {"weight": weight}
                    cells[post]["bias"] = bias
            elif isinstance(part, Layers):
                for name, bias in zip(names[1:], part.biases, strict=False):
                    cells[name][f"bias of {field}"] = bias
            elif not isinstance(part, list) and part.ndim == 0:
                told[field] = part
        return {"populations": cells, "projections": synapses, "broadcast": told}

    def plain(self, learner, state) -> Any:
        names = layer_names(len(learner.network.sizes) - 2)
        cells, synapses = state["populations"], state["projections"]
        like = jax.eval_shape(learner.born, jax.random.key(0))
        parts = {}
        for field, part in _parts(like).items():
            found = [synapses[name]["weight"] for name, _ in self._back(names, field, part)]
            if field == "layers":
                pairs = itertools.pairwise(names)
                weights = [synapses[f"{pre}->{post}"]["weight"] for pre, post in pairs]
                parts[field] = Layers(weights, [cells[name]["bias"] for name in names[1:]])
            elif isinstance(part, Layers):
                biased = names[1 : 1 + len(part.biases)]
                parts[field] = Layers(found, [cells[n][f"bias of {field}"] for n in biased])
            elif isinstance(part, list):
                parts[field] = found
            else:
                parts[field] = found[0] if part.ndim else state["broadcast"][field]
        return parts["layers"] if isinstance(like, Layers) else type(like)(**parts)

    def activities(self, learner, state, stimulus) -> dict[str, jax.Array]:
        names = layer_names(len(learner.network.sizes) - 2)
        if hasattr(learner, "activities"):
            return dict(zip(names, learner.activities(state, stimulus), strict=False))
        sweep = learner.network.sweep(_parts(state)["layers"], stimulus)
        return dict(zip(names, sweep.heard, strict=False))

    def told(self, learner, state, experience, task, key) -> dict[str, dict[str, Any]]:
        sweep = learner.network.sweep(_parts(state)["layers"], experience["stimulus"])
        fields = {}
        if hasattr(learner, "errors"):
            fields["error"] = learner.errors(state, sweep, experience["target"], task, key)
        if hasattr(learner, "told"):
            fields |= learner.told(state, sweep, experience["target"], task, key)
        names = layer_names(len(learner.network.sizes) - 2)
        cells: dict[str, Any] = {name: {} for name in names}
        everybody = {}
        for field, part in fields.items():
            if isinstance(part, list):
                for name, value in zip(names[len(names) - len(part) :], part, strict=True):
                    if value is not None:
                        cells[name][field] = value
            else:
                everybody[field] = part
        return {"populations": cells, "broadcast": everybody}

    def _back(self, names: list[str], field: str, part: Any) -> list[tuple[str, Any]]:
        """The projections against the way forward, in order, and their weights."""
        if field == "layers":
            return []
        if isinstance(part, Layers):
            return self._back(names, field, part.weights)
        if isinstance(part, list):
            pairs = zip(names[1:], names[2:], part, strict=False)
            return [
                (f"{names[-1] if self.direct else above}~>{below}", weight)
                for below, above, weight in pairs
            ]
        return [(f"{names[-1]}~>{names[0]}", part)] if jnp.ndim(part) == 2 else []


def _parts(state: Any) -> dict[str, Any]:
    """A state by its fields; the layers alone are a state, too."""
    return {"layers": state} if isinstance(state, Layers) else state._asdict()
