"""Difference target propagation: layers are given targets by approximate inverses, not errors."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.learners.perceptron import Layers, Perceptron, Sweep, Vectors, learned
from metaplast.source import Source


class TargetState(NamedTuple):
    """The way forward, and the inverses of its hidden layers: `[below, above]`."""

    layers: Layers
    inverses: Layers


class Trial(NamedTuple):
    """What layers make of noisy copies of what was said, from the lowest inverse to the highest."""

    noisy: Vectors
    arrived: Vectors
    """At the cells above."""
    answers: Vectors
    """What these say."""
    missed: Vectors
    """By how much the inverse misses the copy, times its slope."""


class DifferenceTargetPropagation(eqx.Module):
    r"""Every hidden layer learns to say what would have let the layers above say better.

    The last hidden layer's target is $\hat h = h + \hat\eta\, W^\top (\text{wanted} -
    \text{softmax})$; below, $\hat h_{l-1} = h_{l-1} + g_l(\hat h_l) - g_l(h_l)$, where
    $g_l(h) = \phi(V_l h + c_l)$ learns to invert layer $l$:
    $\Delta V_l = \mu\,[\phi'\circ(\tilde h - g_l(f_l(\tilde h)))]\, f_l(\tilde h)^\top$ from
    $\tilde h = h_{l-1}$ + noise. Forward, $\Delta W_l = \tfrac{\eta}{\hat\eta}\,
    [\phi'\circ(\hat h_l - h_l)]\, h_{l-1}^\top$; the output learns by its own error.

    As in the paper, the topmost target is a gradient step through the output weights, the only
    weights that are transported. `simplified` target propagation transports none: the output has an
    inverse, too, and $\hat h = h + g_L(p + \hat\eta\, (\text{wanted} - p)) - g_L(p)$ with $p =
    \text{softmax}$, which tells hidden layers no more than the classes do. Deviations: $\eta /
    \hat\eta$ as the rate of hidden layers, so that the reach of a target is not a second learning
    rate; plain steps, one example each (RMSprop in the paper); no inverse for the input, as there.

    Args:
        network: who is taught.
        rate: learning rate $\eta$. An array leaf.
        inverse_rate: $\mu$. An array leaf.
        reach: $\hat\eta$.
        noise: standard deviation of the noise at which inverses are trained.
        simplified: whether the topmost target, too, comes through an inverse.

    References: Lee, Zhang, Fischer & Bengio (2015) doi:10.1007/978-3-319-23528-8_31,
    arXiv:1412.7525; Bartunov et al. (2018) arXiv:1807.04587 (simplified).
    """

    source: ClassVar[Source] = Source(
        "Lee, Zhang, Fischer & Bengio", 2015,
        "Difference target propagation", "10.1007/978-3-319-23528-8_31",
    )  # fmt: skip
    network: Perceptron
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    inverse_rate: Float[Array, ""] = eqx.field(
        default=0.01, converter=lambda r: jnp.asarray(r, float)
    )
    reach: float = eqx.field(static=True, default=0.5)
    noise: float = eqx.field(static=True, default=0.1)
    simplified: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if not (self.reach > 0 and self.noise >= 0):
            raise ValueError(
                f"reach = {self.reach}, noise = {self.noise}: expected a positive number and one "
                "that is not negative"
            )

    @property
    def synapses(self) -> int:
        """Weights of both ways."""
        return self.network.synapses + sum(post * pre for post, pre in self._inverted)

    @property
    def _inverted(self) -> list[tuple[int, int]]:
        """`(post, pre)` of the layers that have an inverse: between hidden layers, and where
        targets are simplified that of the output."""
        return self.network.shapes[1 : None if self.simplified else -1]

    def born(self, key):
        forward_key, inverse_key = jax.random.split(key)
        keys = jax.random.split(inverse_key, max(len(self._inverted), 1))
        inverses = [
            jax.random.normal(layer_key, (pre, post)) / post**0.5
            for layer_key, (post, pre) in zip(keys, self._inverted, strict=False)
        ]
        biases = [jnp.zeros(pre) for _, pre in self._inverted]
        return TargetState(self.network.born(forward_key), Layers(inverses, biases))

    def predict(self, state, stimulus):
        return self.network.sweep(state.layers, stimulus).readout

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state.layers, stimulus)
        errors = self.errors(state, sweep, target, task, key)
        layers = learned(state.layers, sweep.heard, errors, self.rate)
        return TargetState(layers, self.inverted(state, sweep, key)), sweep.readout

    def errors(self, state: TargetState, sweep: Sweep, target, task, key) -> Vectors:
        """How far every layer but the input is from its target, times its slope, per reach."""
        error = self.error(sweep, target, task)
        hidden = [
            self.network.slope(drive) * (aim - said) / self.reach
            for drive, aim, said in zip(
                sweep.drives, self.targets(state, sweep, error), sweep.heard[1:], strict=True
            )
        ]
        return [*hidden, error]

    def error(self, sweep: Sweep, target, task) -> Float[Array, " classes"]:
        """Of the output."""
        return task.teach(sweep.readout, target).signal - jax.nn.softmax(sweep.readout)

    def targets(self, state: TargetState, sweep: Sweep, error: Float[Array, " classes"]) -> Vectors:
        """What each hidden layer should have said."""
        if not sweep.drives:
            return []
        said = [*sweep.heard[1:], jax.nn.softmax(sweep.readout)]
        if self.simplified:
            aims = [said[-1] + self.reach * error]
        else:
            aims = [said[-2] + self.reach * (state.layers.weights[-1].T @ error)]
        for layer in reversed(range(len(self._inverted))):
            back = [self.inverse(state.inverses, layer, at) for at in (aims[0], said[layer + 1])]
            aims.insert(0, said[layer] + back[0] - back[1])
        return aims[: len(sweep.drives)]

    def inverse(self, inverses: Layers, layer: int, said: Float[Array, " above"]):
        """What hidden layer number `layer` said, as far as it can be told from the one above."""
        return self.network.says(inverses.weights[layer] @ said + inverses.biases[layer])

    def inverted(self, state: TargetState, sweep: Sweep, key) -> Layers:
        """Inverses after one step, each on its own."""
        trial = self.trial(state, sweep, key)
        return learned(state.inverses, trial.answers, trial.missed, self.inverse_rate)

    def trial(self, state: TargetState, sweep: Sweep, key) -> Trial:
        """Every inverse at a noisy copy of what was said."""
        trial = Trial([], [], [], [])
        noises = jax.random.split(key, max(len(self._inverted), 1))
        for layer in range(len(self._inverted)):
            said = sweep.heard[layer + 1]
            noisy = said + self.noise * jax.random.normal(noises[layer], said.shape)
            weights, biases = state.layers
            arrived = weights[layer + 1] @ noisy + biases[layer + 1]
            top = layer + 2 == len(weights)
            answer = jax.nn.softmax(arrived) if top else self.network.says(arrived)
            drive = state.inverses.weights[layer] @ answer + state.inverses.biases[layer]
            missed = self.network.slope(drive) * (noisy - self.network.says(drive))
            for part, value in zip(trial, (noisy, arrived, answer, missed), strict=True):
                part.append(value)
        return trial

    def told(self, state: TargetState, sweep: Sweep, target, task, key) -> dict[str, Any]:
        """What hidden cells should have said, and what cells say while inverses are trained."""
        trial = self.trial(state, sweep, key)
        silent = [None] * (len(sweep.drives) - len(trial.noisy))
        return {
            "target": [*self.targets(state, sweep, self.error(sweep, target, task)), None],
            "noisy": [*trial.noisy, *silent, None],
            "missed": [*trial.missed, *silent, None],
            "arrived": [*trial.arrived, *silent],
            "answer": [*trial.answers, *silent],
        }


def simplified_target_propagation(
    network: Perceptron, rate: float | Float[Array, ""] = 0.05
) -> DifferenceTargetPropagation:
    """Difference target propagation that transports no weight: the output has an inverse, too.

    References: Bartunov, Santoro, Richards, Marris, Hinton & Lillicrap (2018) arXiv:1807.04587.
    """
    return DifferenceTargetPropagation(network, rate, simplified=True)
