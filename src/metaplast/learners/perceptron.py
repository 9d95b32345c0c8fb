"""A plain multi-layer perceptron: the network that hand-designed alternatives to backprop teach."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

NONLINEARITIES: dict[str, Callable] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "linear": lambda drive: drive,
    "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus,
}
"""Of hidden cells. `softplus` has sharpness 1 here, and 10 in the cell `neurons.Rate`, which is to
be nearer to one with a threshold."""
GAIN = {"relu": 2.0, "tanh": 1.0, "linear": 1.0, "sigmoid": 1.0, "softplus": 1.0}
"""Weight variance at birth times fan-in of a hidden layer: He for relu, LeCun for the others."""


Vectors = list[Float[Array, " _"]]
"""One vector for each layer, each as long as its layer is wide."""
Matrices = list[Float[Array, "_ _"]]


class Layers(NamedTuple):
    """Synapses of all layers, in the order in which a stimulus reaches them."""

    weights: list[Float[Array, "post pre"]]
    biases: list[Float[Array, " post"]]


class Sweep(NamedTuple):
    """What a network made of one stimulus."""

    heard: list[Float[Array, " pre"]]
    """What each layer of synapses heard: the stimulus, then what every hidden layer said."""
    drives: list[Float[Array, " post"]]
    """What arrived at each hidden layer."""
    readout: Float[Array, " classes"]


class Perceptron(eqx.Module):
    """Layers of cells that all say what a nonlinearity makes of their drive; a linear readout.

    Born as `Backprop` is, from the same key with the same weights.

    Args:
        sizes: cells of the input, of every hidden layer, and of the output.
        nonlinearity: of the hidden cells.
    """

    sizes: tuple[int, ...] = eqx.field(static=True)
    nonlinearity: str = eqx.field(static=True, default="tanh")

    def __check_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(
                f"sizes = {self.sizes}: expected inputs, hidden layers and outputs, each 1 or more"
            )
        if self.nonlinearity not in NONLINEARITIES:
            raise ValueError(
                f"nonlinearity = {self.nonlinearity!r}, expected one of {sorted(NONLINEARITIES)}"
            )

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """`(post, pre)` of every layer of synapses."""
        return list(zip(self.sizes[1:], self.sizes[:-1], strict=True))

    @property
    def scales(self) -> list[float]:
        """Root mean square of the weights of every layer at birth."""
        gains = [GAIN[self.nonlinearity]] * (len(self.shapes) - 1) + [1.0]
        return [(gain / pre) ** 0.5 for gain, (_, pre) in zip(gains, self.shapes, strict=True)]

    @property
    def synapses(self) -> int:
        """Number of weights."""
        return sum(post * pre for post, pre in self.shapes)

    def born(self, key) -> Layers:
        """Normal weights, biases of zero."""
        weights = [
            jax.random.normal(layer_key, shape) * scale
            for layer_key, shape, scale in zip(
                jax.random.split(key, len(self.shapes)), self.shapes, self.scales, strict=True
            )
        ]
        return Layers(weights, [jnp.zeros(post) for post, _ in self.shapes])

    def says(self, drive: Inexact[Array, "*cells"]) -> Inexact[Array, "*cells"]:
        """Activity of hidden cells, complex where the drive is."""
        return NONLINEARITIES[self.nonlinearity](drive)

    def slope(self, drive: Inexact[Array, "*cells"]) -> Inexact[Array, "*cells"]:
        """Derivative of the activity of hidden cells by their drive."""
        return jax.jvp(self.says, (drive,), (jnp.ones_like(drive),))[1]

    def sweep(
        self,
        layers: Layers,
        stimulus: Float[Array, " inputs"],
        noise: Vectors | None = None,
    ) -> Sweep:
        """Activity from the input to the output; `noise` is added to what drives each layer."""
        heard, drives = [stimulus], []
        for layer, (weight, bias) in enumerate(zip(*layers, strict=True)):
            drive = weight @ heard[-1] + bias
            drives.append(drive if noise is None else drive + noise[layer])
            heard.append(self.says(drives[-1]))
        return Sweep(heard[:-1], drives[:-1], drives[-1])

    def backward(
        self,
        drives: Vectors,
        error: Float[Array, " classes"],
        feedback: Matrices,
    ) -> Vectors:
        """Error of every layer, from that of the output and feedback weights `[below, above]`.

        Hidden cells multiply what they hear from above with their slope. Where the feedback is
        the transposed forward weights, this is backprop.
        """
        errors = [error]
        for drive, back in zip(reversed(drives), reversed(feedback), strict=True):
            errors.append(self.slope(drive) * (back @ errors[-1]))
        return errors[::-1]


def learned(
    layers: Layers,
    heard: Vectors,
    errors: Vectors,
    rate: Float[Array, ""] | float,
) -> Layers:
    """Every synapse adds rate times the error of the one end times what the other end said.

    A bias is a synapse from a cell that always says 1.
    """
    weights = [
        weight + rate * jnp.outer(error, said)
        for weight, error, said in zip(layers.weights, errors, heard, strict=True)
    ]
    biases = [bias + rate * error for bias, error in zip(layers.biases, errors, strict=True)]
    return Layers(weights, biases)


def transposed(layers: Layers) -> Matrices:
    """Feedback weights `[below, above]` that are the forward ones: weight transport."""
    return [weight.T for weight in layers.weights[1:]]
