"""Hand-designed plastic networks: the delta rule with three kinds of feedback."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Array, Float

from metaplast.circuits import layered
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.rules import Delta
from metaplast.source import Source

SOURCES = {
    "feedback_alignment": Source(
        "Lillicrap, Cownden, Tweed & Akerman", 2016,
        "Random synaptic feedback weights support error backpropagation for deep learning",
        "10.1038/ncomms13276",
    ),
    "direct_feedback_alignment": Source(
        "Nøkland", 2016,
        "Direct feedback alignment provides learning in deep neural networks",
        "10.48550/arXiv.1609.01596",
    ),
    "readout_only": Source(
        "Widrow & Hoff", 1960, "Adaptive switching circuits", "10.21236/AD0241531"
    ),
}  # fmt: skip
"""Citation by name; the functions below return plain networks, which carry none."""


def feedback_alignment(
    inputs: int,
    hidden: tuple[int, ...],
    classes: int,
    rate: float | Float[Array, ""] = 0.01,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
    feedback: Literal["random", "direct", "symmetric"] = "random",
) -> PlasticNetwork:
    """Delta rule everywhere; hidden cells hear the layer above over fixed random weights.

    Output cells are a softmax whose biases learn at the same rate; hidden cells have no
    bias. With `feedback="symmetric"` this is stochastic gradient descent, the control
    that cheats.

    Deviations: a softmax and cross-entropy at the output, where the paper has squared errors; no
    bias in hidden cells; by `feedback="direct"` another paper's wiring.
    """
    delta = Delta(rate)
    rules = {"forward": delta, "readout": delta}
    return _network(inputs, hidden, classes, rate, nonlinearity, feedback, rules)


def direct_feedback_alignment(
    inputs: int,
    hidden: tuple[int, ...],
    classes: int,
    rate: float | Float[Array, ""] = 0.01,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
) -> PlasticNetwork:
    """Delta rule everywhere; every hidden layer hears the output cells themselves.

    Deviations: plain steps, one example each (mini-batches in the paper); no bias in hidden cells.
    """
    return feedback_alignment(inputs, hidden, classes, rate, nonlinearity, "direct")


def readout_only(
    inputs: int,
    hidden: tuple[int, ...],
    classes: int,
    rate: float | Float[Array, ""] = 0.01,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
) -> PlasticNetwork:
    """Random hidden layers that never change; only the synapses onto the output learn.

    Deviations: the source's unit is linear, hears the stimulus itself and lowers a squared error;
    here random layers lie between, and the output is a softmax with cross-entropy.
    """
    rules = {"readout": Delta(rate)}
    return _network(inputs, hidden, classes, rate, nonlinearity, "none", rules)


def _network(inputs, hidden, classes, rate, nonlinearity, feedback, rules) -> PlasticNetwork:
    neurons = {
        "input": Rate("linear"),
        "hidden": Rate(nonlinearity),
        "output": Output("softmax", rate),
    }
    return PlasticNetwork(layered(inputs, hidden, classes, feedback), Genome(neurons, rules))
