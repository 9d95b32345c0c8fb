"""Backprop, online: the oracle that every plastic network is measured against."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from metaplast.learners.perceptron import GAIN, NONLINEARITIES
from metaplast.source import Source
from metaplast.types import State

OPTIMIZERS = {
    "sgd": optax.sgd,
    "momentum": lambda rate: optax.sgd(rate, momentum=0.9),
    "adam": optax.adam,
}


class BackpropState(NamedTuple):
    weights: list[Float[Array, "post pre"]]
    biases: list[Float[Array, " post"]]
    optimizer: State


class Backprop(eqx.Module):
    r"""A multi-layer perceptron that takes one step of its optimizer per example.

    The step is that of the gradient of `task.loss` (cross-entropy of a softmax), through
    all layers, biases included. Hidden weights are born as He et al. (relu) or LeCun
    et al. (tanh) say, output weights as LeCun; biases at zero.

    Args:
        sizes: cells of the input, of every hidden layer, and of the output.
        optimizer: `sgd`, `momentum` (0.9) or `adam` (0.9, 0.999).
        rate: learning rate. An array leaf, so a whole grid of rates is one `vmap`.
        nonlinearity: of the hidden cells.
        shortcut: whether the output hears the input and every hidden layer directly, the
            anatomy of `circuits.associative`, and not only the last hidden layer.

    References: Rumelhart et al. (1986) doi:10.1038/323533a0; He et al. (2015)
    doi:10.1109/ICCV.2015.123; Kingma & Ba (2015) arXiv:1412.6980.
    """

    source: ClassVar[Source] = Source(
        "Rumelhart, Hinton & Williams", 1986,
        "Learning representations by back-propagating errors", "10.1038/323533a0",
    )  # fmt: skip
    sizes: tuple[int, ...] = eqx.field(static=True)
    optimizer: str = eqx.field(static=True, default="sgd")
    rate: Float[Array, ""] = eqx.field(default=0.05, converter=lambda r: jnp.asarray(r, float))
    nonlinearity: str = eqx.field(static=True, default="relu")
    shortcut: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(
                f"sizes = {self.sizes}: expected inputs, hidden layers and outputs, each 1 or more"
            )
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer = {self.optimizer!r}, expected one of {sorted(OPTIMIZERS)}"
            )
        if self.nonlinearity not in NONLINEARITIES:
            raise ValueError(
                f"nonlinearity = {self.nonlinearity!r}, expected one of {sorted(NONLINEARITIES)}"
            )

    @property
    def synapses(self) -> int:
        """Number of weights, all of them plastic."""
        return sum(post * pre for post, pre in self._shapes())

    def born(self, key):
        shapes = self._shapes()
        gains = [GAIN[self.nonlinearity]] * (len(shapes) - 1) + [1.0]
        weights = [
            jax.random.normal(layer_key, shape) * jnp.sqrt(gain / shape[1])
            for layer_key, shape, gain in zip(
                jax.random.split(key, len(shapes)), shapes, gains, strict=True
            )
        ]
        biases = [jnp.zeros(shape[0]) for shape in shapes]
        return BackpropState(weights, biases, self._steps().init((weights, biases)))

    def predict(self, state, stimulus):
        return self._forward((state.weights, state.biases), stimulus)

    def moment(self, state, stimulus, target, task, key=None):
        def loss(parameters):
            readout = self._forward(parameters, stimulus)
            return task.loss(readout, target), readout

        parameters = (state.weights, state.biases)
        gradient, readout = jax.grad(loss, has_aux=True)(parameters)
        step, memory = self._steps().update(gradient, state.optimizer, parameters)
        weights, biases = jax.tree.map(jnp.add, parameters, step)
        return BackpropState(weights, biases, memory), readout

    def _steps(self):
        return OPTIMIZERS[self.optimizer](self.rate)

    def _shapes(self) -> list[tuple[int, int]]:
        """`(post, pre)` of every layer."""
        pre = list(self.sizes[:-1])
        if self.shortcut:
            pre[-1] = sum(self.sizes[:-1])
        return list(zip(self.sizes[1:], pre, strict=True))

    def activities(self, parameters, stimulus) -> list[Float[Array, " cells"]]:
        """What the input and every hidden layer say, from `(weights, biases)`."""
        weights, biases = parameters
        heard = [stimulus]
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            heard.append(self.respond(weight @ heard[-1] + bias))
        return heard

    def respond(self, drive: Float[Array, " cells"]) -> Float[Array, " cells"]:
        """What hidden cells say to their drive."""
        return NONLINEARITIES[self.nonlinearity](drive)

    def _forward(self, parameters, stimulus):
        heard = self.activities(parameters, stimulus)
        last = jnp.concatenate(heard) if self.shortcut else heard[-1]
        return parameters[0][-1] @ last + parameters[1][-1]
