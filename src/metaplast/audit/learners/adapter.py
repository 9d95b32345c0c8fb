"""From a learner and the names of its numbers to a subject."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.audit.subject import SMALL, Experience, Scale, State, Subject, from_function
from metaplast.types import Teaching


@runtime_checkable
class Naming(Protocol):
    """Which number of a learner's state is what."""

    def named(self, learner: Any, state: Any, activities: dict[str, jax.Array]) -> State:
        """The state by name; `activities` of each population become its field `activity`."""
        ...

    def plain(self, learner: Any, state: State) -> Any:
        """The learner's own state again."""
        ...

    def activities(self, learner: Any, state: Any, stimulus: jax.Array) -> dict[str, jax.Array]:
        """What the populations other than the output say of a stimulus, before learning."""
        ...


@runtime_checkable
class Telling(Naming, Protocol):
    """A naming that also knows what cells tell each other beyond their activity."""

    def told(
        self, learner: Any, state: Any, experience: Experience, task: Any, key: Any
    ) -> dict[str, dict[str, Any]]:
        """Further fields, `{"populations": ..., "broadcast": ...}`, made by the same operations
        as in the learner's moment, so that the audit takes them for the same values."""
        ...


def from_learner(
    name: str,
    learner_at: Callable[[Scale], Any],
    naming: Naming,
    scale: Scale = SMALL,
    family: bool = False,
) -> Subject:
    """The subject of a learner that is no plastic network.

    Its own `born` and `moment` are what is analysed; the naming only gives the numbers names.

    Args:
        name: of the learner.
        learner_at: the learner for given sizes.
        naming: of its state.
        scale: of the instance.
        family: whether a search moves all numbers of the learner, so that they are its genome.
    """
    learner = learner_at(scale)

    def told(state, experience, key):
        if not isinstance(naming, Telling):
            return {}
        return naming.told(learner, state, experience, _Taught(), key)

    def born(key):
        state = learner.born(key)
        said = naming.activities(learner, state, jnp.zeros(scale.inputs))
        silent = {population: jnp.zeros_like(said[population]) for population in said}
        nothing = {"stimulus": jnp.zeros(scale.inputs), "target": jnp.asarray(0)}
        untold = jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, leaf.dtype),
            jax.eval_shape(told, state, nothing, jax.random.key(0)),
        )
        named = naming.named(learner, state, {**silent, "output": jnp.zeros(scale.outputs)})
        return _with(named, untold)

    def step(state, experience, key):
        before, stimulus = naming.plain(learner, state), experience["stimulus"]
        said = naming.activities(learner, before, stimulus)
        after, readout = learner.moment(before, stimulus, experience["target"], _Taught(), key)
        named = naming.named(learner, after, {**said, "output": readout})
        return _with(named, told(before, experience, key))

    return from_function(
        name,
        step,
        born,
        lambda other: from_learner(name, learner_at, naming, other, family),
        numbers=eqx.filter(learner, eqx.is_inexact_array) if family else None,
    )


def _with(state: State, told: dict[str, dict[str, Any]]) -> State:
    """A state and the further fields of its populations and broadcasts."""
    populations = {
        name: {**fields, **told.get("populations", {}).get(name, {})}
        for name, fields in state["populations"].items()
    }
    broadcast = {**state.get("broadcast", {}), **told.get("broadcast", {})}
    return {**state, "populations": populations} | ({"broadcast": broadcast} if broadcast else {})


class _Taught:
    """A supervised task: the wanted answer, and the cross-entropy of the readout as logits."""

    def teach(self, readout, target) -> Teaching:
        wrong = (jnp.argmax(readout) != target).astype(readout.dtype)
        wanted = jax.nn.one_hot(target, readout.shape[0], dtype=readout.dtype)
        return Teaching(wanted, wrong[None])

    def loss(self, readout, target):
        return jax.nn.logsumexp(readout) - readout[target]
