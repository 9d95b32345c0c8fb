"""From a learner and the names of its numbers to a subject."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from metaplast.audit.subject import SMALL, Scale, State, Subject, from_function


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


def from_learner(
    name: str, learner_at: Callable[[Scale], Any], naming: Naming, scale: Scale = SMALL
) -> Subject:
    """The subject of a learner that is no plastic network.

    Its own `born` and `moment` are what is analysed; the naming only gives the numbers names.

    Args:
        name: of the learner.
        learner_at: the learner for given sizes.
        naming: of its state.
        scale: of the instance.
    """
    learner = learner_at(scale)

    def born(key):
        state = learner.born(key)
        said = naming.activities(learner, state, jnp.zeros(scale.inputs))
        silent = {population: jnp.zeros_like(said[population]) for population in said}
        return naming.named(learner, state, {**silent, "output": jnp.zeros(scale.outputs)})

    def step(state, experience, key):
        before, stimulus = naming.plain(learner, state), experience["stimulus"]
        said = naming.activities(learner, before, stimulus)
        after, readout = learner.moment(before, stimulus, experience["target"], _Taught(), key)
        return naming.named(learner, after, {**said, "output": readout})

    return from_function(
        name, step, born, lambda other: from_learner(name, learner_at, naming, other)
    )


class _Taught:
    """The loss of a supervised task: cross-entropy of the readout taken as logits."""

    def loss(self, readout, target):
        return jax.nn.logsumexp(readout) - readout[target]
