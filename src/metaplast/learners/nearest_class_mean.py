"""Nearest class mean: one prototype per class, the first trivial rival."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from metaplast.source import Source


class MeanState(NamedTuple):
    means: Float[Array, "classes inputs"]
    counts: Float[Array, " classes"]


class NearestClassMean(eqx.Module):
    """Names the class whose running mean is nearest (Euclidean). Nothing to tune.

    The readout is minus the squared distance over the largest one, in [-1, 0]; a class
    that was never seen stands one below that, and a newborn answers all zeros.

    References: Mensink et al. (2013) doi:10.1109/TPAMI.2013.83.
    """

    source: ClassVar[Source] = Source(
        "Mensink, Verbeek, Perronnin & Csurka", 2013,
        "Distance-based image classification: generalizing to new classes at near-zero cost",
        "10.1109/TPAMI.2013.83",
    )  # fmt: skip
    inputs: int = eqx.field(static=True)
    classes: int = eqx.field(static=True)

    @property
    def synapses(self) -> int:
        return self.inputs * self.classes

    def born(self, key):
        return MeanState(jnp.zeros((self.classes, self.inputs)), jnp.zeros(self.classes))

    def predict(self, state, stimulus):
        distance = jnp.sum((state.means - stimulus) ** 2, axis=-1)
        return nearness(distance, state.counts > 0)

    def moment(self, state, stimulus, target, task, key=None):
        readout = self.predict(state, stimulus)
        count = state.counts[target] + 1.0
        step = (stimulus - state.means[target]) / count
        return MeanState(
            state.means.at[target].add(step), state.counts.at[target].set(count)
        ), readout


def nearness(
    distance: Float[Array, " classes"], seen: Bool[Array, " classes"]
) -> Float[Array, " classes"]:
    """Readout from distances: -1 to 0 for the classes seen, -2 for the others.

    Relative to the largest distance, so that stimuli of any scale stay within the bound
    that ends a life.
    """
    largest = jnp.max(jnp.where(seen, distance, 0.0))
    relative = -distance / jnp.where(largest > 0, largest, 1.0)
    return jnp.where(jnp.any(seen), jnp.where(seen, relative, -2.0), 0.0)
