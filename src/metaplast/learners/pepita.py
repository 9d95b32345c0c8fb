"""PEPITA: the error is added to the input, and layers compare a second sweep with the first."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Layers, Perceptron, Sweep, learned
from metaplast.source import Source


class ModulatedState(NamedTuple):
    layers: Layers
    projection: Float[Array, "inputs classes"]
    """Fixed, from the error of the output to the input."""


class Pepita(eqx.Module):
    r"""Present the error to perturb the input, to modulate activity: no backward sweep at all.

    With $e$ = softmax less wanted, the stimulus $x + F e$ is swept through the network as well,
    $F$ fixed and random. Hidden layers learn $\Delta W_l = \eta\,(\tilde h_l - h_l)\,
    \tilde h_{l-1}^\top$, where the tilde is of the second sweep and $\tilde h_0 = x + F e$; the
    output learns by its own error in the second sweep.

    Deviations: biases learn by the same rule (there are none in the paper); plain steps, one
    example each, without momentum, dropout and decay of the rate.

    Args:
        network: who is taught.
        rate: learning rate $\eta$. An array leaf.
        strength: of $F$, whose entries are uniform between plus and minus
            strength $\sqrt{6/\text{inputs}}$; 0.05 in the paper. An array leaf.

    References: Dellaferrera & Kreiman (2022) arXiv:2201.11665.
    """

    source: ClassVar[Source] = Source(
        "Dellaferrera & Kreiman", 2022,
        "Error-driven input modulation: solving the credit assignment problem without a "
        "backward pass", "10.48550/arXiv.2201.11665",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    strength: Float[Array, ""] = eqx.field(default=0.05, converter=lambda s: jnp.asarray(s, float))

    @property
    def synapses(self) -> int:
        """Forward weights; the projection is fixed."""
        return self.network.synapses

    def born(self, key):
        forward_key, projection_key = jax.random.split(key)
        inputs, classes = self.network.sizes[0], self.network.sizes[-1]
        reach = self.strength * (6.0 / inputs) ** 0.5
        projection = reach * jax.random.uniform(
            projection_key, (inputs, classes), minval=-1.0, maxval=1.0
        )
        return ModulatedState(self.network.born(forward_key), projection)

    def predict(self, state, stimulus):
        return self.network.sweep(state.layers, stimulus).readout

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state.layers, stimulus)
        wanted = task.teach(sweep.readout, target).signal
        again = self.modulated(state, sweep, wanted)
        errors = [
            now - before for now, before in zip(again.heard[1:], sweep.heard[1:], strict=True)
        ]
        errors.append(wanted - jax.nn.softmax(again.readout))
        layers = learned(state.layers, again.heard, errors, self.rate)
        return ModulatedState(layers, state.projection), sweep.readout

    def modulated(
        self, state: ModulatedState, sweep: Sweep, wanted: Float[Array, " classes"]
    ) -> Sweep:
        """The second sweep, of the stimulus to which the projected error has been added."""
        error = jax.nn.softmax(sweep.readout) - wanted
        return self.network.sweep(state.layers, sweep.heard[0] + state.projection @ error)

    def told(self, state, sweep: Sweep, target, task, key) -> dict[str, Any]:
        """What all cells say in the second sweep, and the output's error in both."""
        wanted = task.teach(sweep.readout, target).signal
        again = self.modulated(state, sweep, wanted)
        return {
            "error": [jax.nn.softmax(sweep.readout) - wanted],
            "modulated": [*again.heard, again.readout],
            "error after": [wanted - jax.nn.softmax(again.readout)],
        }
