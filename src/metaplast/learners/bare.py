"""Learners that are a perceptron and nothing else: what they keep are its layers."""

# No postponed annotations here: equinox must see `AbstractVar` itself, not its name.

import equinox as eqx

from metaplast.learners.perceptron import Perceptron


class AbstractBare(eqx.Module):
    """No state but the layers: no feedback weights, no traces."""

    network: eqx.AbstractVar[Perceptron]
    """Who is taught."""

    @property
    def synapses(self) -> int:
        """Weights of the network; there are no others."""
        return self.network.synapses

    def born(self, key):
        return self.network.born(key)

    def predict(self, state, stimulus):
        return self.network.sweep(state, stimulus).readout
