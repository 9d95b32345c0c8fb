"""Names for backprop: weights, biases, and what its optimizer remembers of each of them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from metaplast.audit.cheats.base import layers
from metaplast.audit.subject import State
from metaplast.learners.backprop import Backprop, BackpropState
from metaplast.learners.frozen import Frozen


class BackpropNaming:
    """Of a multi-layer perceptron, or of a frozen one.

    Memories of weights are fields of their projections, memories of biases are fields of their
    cells, and what is neither (Adam's count) is a broadcast. With shortcuts, the weights of the
    last layer belong to one projection from each population.
    """

    def named(self, learner, state, activities) -> State:
        learner = _inner(learner)
        names = layers(len(learner.sizes) - 2)
        populations = {n: {"activity": activities[n]} for n in names}
        projections: dict[str, dict[str, Any]] = {p: {} for p, _, _ in _projections(learner)}
        broadcast: dict[str, Any] = {}

        def distribute(field: str, weights, biases) -> None:
            for projection, layer, columns in _projections(learner):
                projections[projection][field] = weights[layer][:, columns]
            for name, bias in zip(names[1:], biases, strict=True):
                populations[name]["bias" if field == "weight" else f"{field} of bias"] = bias

        distribute("weight", state.weights, state.biases)
        for field, part in _memories(state.optimizer, len(state.weights)).items():
            if isinstance(part, tuple):
                distribute(field, *part)
            else:
                broadcast[field] = part
        return {"populations": populations, "projections": projections, "broadcast": broadcast}

    def plain(self, learner, state) -> BackpropState:
        learner = _inner(learner)
        names = layers(len(learner.sizes) - 2)

        def collected(field: str):
            weights: list[Any] = [[] for _ in names[1:]]
            for projection, layer, _ in _projections(learner):
                weights[layer].append(state["projections"][projection][field])
            bias = "bias" if field == "weight" else f"{field} of bias"
            return (
                [parts[0] if len(parts) == 1 else jnp.concatenate(parts, 1) for parts in weights],
                [state["populations"][name][bias] for name in names[1:]],
            )

        weights, biases = collected("weight")
        shape = jax.eval_shape(learner.born, jax.random.key(0)).optimizer
        leaves = []
        for field, part in _memories(shape, len(weights)).items():
            if isinstance(part, tuple):
                leaves += [leaf for group in collected(field) for leaf in group]
            else:
                leaves.append(state["broadcast"][field])
        return BackpropState(weights, biases, jax.tree.unflatten(jax.tree.structure(shape), leaves))

    def activities(self, learner, state, stimulus) -> dict[str, jax.Array]:
        learner = _inner(learner)
        said = learner.activities((state.weights, state.biases), stimulus)
        return dict(zip(layers(len(learner.sizes) - 2), said, strict=False))


def _inner(learner: Any) -> Any:
    return learner.learner if isinstance(learner, Frozen) else learner


def _projections(learner: Backprop) -> list[tuple[str, int, slice]]:
    """Name of each projection, the layer whose weights it has, and which columns of them."""
    names = layers(len(learner.sizes) - 2)
    found = []
    for layer, post in enumerate(names[1:]):
        first = 0
        heard = layer + 1 if learner.shortcut and post == "output" else 1
        for pre, size in zip(names[: layer + 1], learner.sizes, strict=False):
            if heard == 1 and pre != names[layer]:
                continue
            found.append((f"{pre}->{post}", layer, slice(first, first + size)))
            first += size
    return found


def _memories(optimizer: Any, depth: int) -> dict[str, Any]:
    """What an optimizer remembers, by name and in order of its leaves: `(weights, biases)` where
    it remembers one number for each parameter, else an array."""
    found: dict[str, Any] = {}
    leaves = jax.tree_util.tree_leaves_with_path(optimizer)
    while leaves:
        path, leaf = leaves[0]
        field = next(key.name for key in reversed(path) if hasattr(key, "name"))
        if getattr(leaf, "ndim", len(leaf.shape)) == 0:
            found[field], leaves = leaf, leaves[1:]
        else:
            values = [value for _, value in leaves[: 2 * depth]]
            found[field], leaves = (values[:depth], values[depth:]), leaves[2 * depth :]
    return found
