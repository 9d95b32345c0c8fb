"""Backprop through the steps of a presentation, in a spiking network's own circuit."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast import synapses
from metaplast.learners.backprop import OPTIMIZERS
from metaplast.learners.presented import Presented
from metaplast.network import NetworkState
from metaplast.source import Source
from metaplast.types import State


class SurrogateState(NamedTuple):
    network: NetworkState
    optimizer: State


class SurrogateBackprop(eqx.Module):
    r"""A presented network whose plastic weights follow the gradient of the loss of its answers.

    The gradient goes back through all steps of a presentation; where cells spike, it sees their
    surrogate slope. The circuit is that of the network: the same cells, births and plastic
    projections, and weights of a declared sign stop at zero after every step of the optimizer.
    Stimuli are then taught as they are to the network, but its rules are not asked: so cells keep
    the habits that they have beside their synapses (homeostasis, biases). It knows all weights and
    the past of a presentation, and is no model of a brain.

    Args:
        presented: the network, and how stimuli are shown.
        optimizer: `sgd`, `momentum` (0.9) or `adam` (0.9, 0.999).
        rate: learning rate. An array leaf, so a whole grid of rates is one `vmap`.
        shares: steps of some kinds of synapses in units of those of the others, such as
            `{"excite": 0.01}`; 0 leaves a kind as it was born. Array leaves, too.

    References: Neftci, Mostafa & Zenke (2019) doi:10.1109/MSP.2019.2931595.
    """

    source: ClassVar[Source] = Source(
        "Neftci, Mostafa & Zenke", 2019,
        "Surrogate gradient learning in spiking neural networks", "10.1109/MSP.2019.2931595",
    )  # fmt: skip
    presented: Presented
    optimizer: str = eqx.field(static=True, default="adam")
    rate: Float[Array, ""] = eqx.field(default=0.003, converter=lambda r: jnp.asarray(r, float))
    shares: dict[str, Float[Array, ""]] = eqx.field(
        default_factory=dict,
        converter=lambda shares: {k: jnp.asarray(v, float) for k, v in shares.items()},
    )

    def __check_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer = {self.optimizer!r}, expected one of {sorted(OPTIMIZERS)}"
            )
        kinds = {q.kind for q in self._learning()}
        if unknown := set(self.shares) - kinds:
            raise ValueError(
                f"shares = {sorted(unknown)}: no plastic synapses of that kind, expected some of "
                f"{sorted(kinds)}"
            )

    @property
    def synapses(self) -> int:
        """Weights that change; a fixed feedback of the circuit is not among them."""
        circuit = self.presented.network.circuit
        return sum(math.prod(circuit.shape(q)) for q in self._learning())

    def born(self, key):
        network = self.presented.born(key)
        return SurrogateState(network, self._steps().init(self._plastic(network)))

    @property
    def noisy(self) -> bool:
        """As the network inside."""
        return self.presented.noisy

    def predict(self, state, stimulus, key=None):
        return self.presented.predict(state.network, stimulus, key)

    def moment(self, state, stimulus, target, task, key=None):
        resting, asked, taught = (None,) * 3 if key is None else jax.random.split(key, 3)
        # What lasts from the last stimulus is given, as it is for a rule.
        rested = self.presented.rested(state.network, stimulus, resting)

        def loss(plastic):
            network = rested._replace(weights={**rested.weights, **plastic})
            answer = self.presented.shown(network, stimulus, asked)[1]
            return task.loss(answer, target), answer

        plastic = self._plastic(rested)
        gradient, answer = jax.grad(loss, has_aux=True)(plastic)
        step, memory = self._steps().update(gradient, state.optimizer, plastic)
        plastic = {
            q.name: synapses.signed(
                q, plastic[q.name] + self.shares.get(q.kind, 1.0) * step[q.name]
            )
            for q in self._learning()
        }
        after = self._unruled().taught(rested, stimulus, target, task, taught)
        network = after._replace(weights={**rested.weights, **plastic})
        return SurrogateState(network, memory), answer

    def _unruled(self) -> Presented:
        """The presented network, none of whose synapses change."""
        return eqx.tree_at(lambda p: p.network.genome.rules, self.presented, {})

    def _plastic(self, network: NetworkState):
        return {q.name: network.weights[q.name] for q in self._learning()}

    def _learning(self):
        network = self.presented.network
        return [q for q in network.circuit.weighted if q.name in network.plastic]

    def _steps(self):
        return OPTIMIZERS[self.optimizer](self.rate)
