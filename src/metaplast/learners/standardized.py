"""Preprocessing as an option of every learner: stimuli less their running mean, at unit power."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.lifetime import Learner
from metaplast.source import Source
from metaplast.types import State

FLOOR = 1e-4
"""Added to the mean square before division, in squared units of the stimulus."""


class StandardizedState(NamedTuple):
    total: Float[Array, " inputs"]
    count: Float[Array, ""]
    inner: State


class Standardized(eqx.Module):
    r"""Another learner that meets every stimulus as $s / \sqrt{\tfrac1n \sum_i s_i^2}$,
    $s = x - \bar x$.

    $\bar x$ is the mean of all stimuli before this one, the sum is over the $n$ inputs of
    this one: what `neurons.Sensory` does, for learners that have no cells.
    A backprop network that lacks it loses ten points on images in its first 300 moments,
    so a comparison without it would flatter whoever has it.

    Args:
        learner: who learns.
        inputs: $n$.
        amount: 1 for standardized, 0 for raw stimuli. An array leaf, so both run under
            one compilation.

    References: LeCun et al. (1998) doi:10.1007/3-540-49430-8_2.
    """

    source: ClassVar[Source] = Source(
        "LeCun, Bottou, Orr & Müller", 1998, "Efficient BackProp", "10.1007/3-540-49430-8_2"
    )
    learner: Learner
    inputs: int = eqx.field(static=True)
    amount: Float[Array, ""] = eqx.field(default=1.0, converter=lambda a: jnp.asarray(a, float))

    def born(self, key):
        inner = self.learner.born(key)
        return StandardizedState(jnp.zeros(self.inputs), jnp.zeros(()), inner)

    @property
    def noisy(self) -> bool:
        """As the learner inside."""
        return getattr(self.learner, "noisy", False)

    def predict(self, state, stimulus, key=None):
        noise = (key,) if self.noisy else ()
        return self.learner.predict(state.inner, self._seen(state, stimulus), *noise)

    def moment(self, state, stimulus, target, task, key=None):
        inner, readout = self.learner.moment(
            state.inner, self._seen(state, stimulus), target, task, key
        )
        return StandardizedState(state.total + stimulus, state.count + 1.0, inner), readout

    def _seen(self, state: StandardizedState, stimulus):
        surplus = stimulus - state.total / jnp.maximum(state.count, 1.0)
        standard = surplus * jax.lax.rsqrt(jnp.mean(surplus**2) + FLOOR)
        return jnp.where(self.amount > 0, standard, stimulus)
