"""1-nearest-neighbor: stores every example, the rival with unbounded memory."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from metaplast.learners.nearest_class_mean import nearness
from metaplast.source import Source


class Memory(NamedTuple):
    stimuli: Float[Array, "capacity inputs"]
    energy: Float[Array, " capacity"]
    """Squared length of each stored stimulus; infinite where nothing is stored."""
    targets: Int[Array, " capacity"]
    stored: Int[Array, ""]


class NearestNeighbor(eqx.Module):
    """Names the class of the nearest stored example (Euclidean). Nothing to tune.

    The readout of a class is the relative nearness of its nearest example. When more
    than `capacity` examples come, the oldest are overwritten.

    Args:
        capacity: examples that fit; give it the length of the life.

    References: Cover & Hart (1967) doi:10.1109/TIT.1967.1053964.
    """

    source: ClassVar[Source] = Source(
        "Cover & Hart", 1967, "Nearest neighbor pattern classification", "10.1109/TIT.1967.1053964"
    )
    inputs: int = eqx.field(static=True)
    classes: int = eqx.field(static=True)
    capacity: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        if self.capacity < 1:
            raise ValueError(f"capacity = {self.capacity}: expected 1 or more; give the horizon")

    @property
    def synapses(self) -> int:
        """Numbers that change at one moment: one stored example."""
        return self.inputs

    def born(self, key):
        return Memory(
            jnp.zeros((self.capacity, self.inputs)),
            jnp.full(self.capacity, jnp.inf),
            jnp.zeros(self.capacity, int),
            jnp.asarray(0),
        )

    def predict(self, state, stimulus):
        # |s - x|² without the |x|² that all share, which is then put back.
        distance = state.energy - 2.0 * (state.stimuli @ stimulus) + jnp.sum(stimulus**2)
        by_class = jnp.where(state.targets == jnp.arange(self.classes)[:, None], distance, jnp.inf)
        nearest = jnp.min(by_class, axis=-1)
        seen = jnp.isfinite(nearest)
        return nearness(jnp.where(seen, jnp.maximum(nearest, 0.0), 0.0), seen)

    def moment(self, state, stimulus, target, task, key=None):
        readout = self.predict(state, stimulus)
        # The write waits for the answer: were the old buffer still needed by then, the
        # compiler would copy all of it at every moment.
        slot = state.stored % self.capacity
        return Memory(
            state.stimuli.at[slot].set(stimulus + 0.0 * readout[0]),
            state.energy.at[slot].set(jnp.sum(stimulus**2)),
            state.targets.at[slot].set(target),
            state.stored + 1,
        ), readout
