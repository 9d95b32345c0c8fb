"""What a life costs its synapses."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.network import NetworkState, PlasticNetwork


class Costs(NamedTuple):
    """Decimal logarithms, for costs of rules differ by orders of magnitude."""

    changes: Float[Array, ""]
    """Of the mean change of a plastic synapse in a moment: what plasticity costs.

    References: Li & van Rossum (2020) doi:10.7554/eLife.50804.
    """
    strength: Float[Array, ""]
    """Of the mean weight of a plastic synapse over life: what transmission costs.

    References: Sacramento, Wichert & van Rossum (2015) doi:10.1371/journal.pcbi.1004265.
    """


class Spent(NamedTuple):
    """A network, and what it has spent since birth."""

    state: NetworkState
    changes: Float[Array, ""]
    strength: Float[Array, ""]
    moments: Float[Array, ""]


LEAST = 1e-12
"""Below this a cost counts as none."""


class Metered(eqx.Module):
    """A network that lives as it would, and counts what its synapses spend.

    Args:
        network: who lives.
    """

    network: PlasticNetwork

    def born(self, key) -> Spent:
        return Spent(self.network.born(key), *(jnp.zeros(()) for _ in Spent._fields[1:]))

    def predict(self, state: Spent, stimulus, key=None):
        return self.network.predict(state.state, stimulus, key)

    def moment(self, state: Spent, stimulus, target, task, key=None):
        old = state.state
        new, readout = self.network.moment(old, stimulus, target, task, key)
        plastic = self.network.plastic
        # Of a network without a plastic synapse both sums are zero, and so is what it spends.
        count = max(sum(new.weights[name].size for name in plastic), 1)
        changed = sum(jnp.sum(jnp.abs(new.weights[n] - old.weights[n])) for n in plastic)
        strong = sum(jnp.sum(jnp.abs(new.weights[n])) for n in plastic)
        spent = (state.changes + changed / count, state.strength + strong / count)
        return Spent(new, *spent, state.moments + 1), readout

    @staticmethod
    def costs(state: Spent) -> Costs:
        """Of the whole life so far."""
        means = (state.changes / state.moments, state.strength / state.moments)
        return Costs(*(jnp.log10(jnp.maximum(mean, LEAST)) for mean in means))
