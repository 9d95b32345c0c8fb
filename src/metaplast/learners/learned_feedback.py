"""A network whose first weights and whose feedback are what a search finds."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from metaplast.learners.perceptron import Layers, Matrices, Perceptron, Sweep, Vectors, learned
from metaplast.positive import Positive, positive
from metaplast.source import Source
from metaplast.types import Key


class FedBack(NamedTuple):
    """State of a life: the forward weights, and the feedback, which may be plastic too."""

    layers: Layers
    feedback: Matrices


class LearnedFeedback(eqx.Module):
    r"""Errors of the output cells are injected into every hidden layer over learned feedback.

    $\Delta w^l_{ij} = \eta_l\, f^l_i\, x^{l-1}_j$ with $f^l = B^l e$ what hidden layer $l$ hears of
    the output's error $e$, and $f = e$ at the output. No derivative of the nonlinearity is
    taken, and no forward weight is used backward. A search moves what a life begins with
    (forward weights), the feedback $B$, and the rate of each layer. All lives begin alike:
    `born` ignores its key, and the genome knows its sizes.

    With `plastic` feedback, $\Delta B^l = \eta_L\, x^l e^\top$, Hebbian as well: for one hidden
    layer that is what the output's own synapses do.

    For one linear hidden layer whose feedback is the transposed output weights, a moment is one
    step of gradient descent.

    Where we deviate from the source: the injected signal itself is the post-synaptic factor, not
    the activity that it moves; no decay; all layers are plastic.

    Args:
        sizes: cells of the input, of every hidden layer, and of the output.
        rate: first $\eta$ of every layer; 0 fixes it.
        nonlinearity: of the hidden cells.
        plastic: whether feedback changes during life.
        feedback: size of the first feedback, times normal numbers over the root of the classes.
        key: of the first weights.

    References: Lindsey & Litwin-Kumar (2020) NeurIPS, arXiv:2006.09549.
    """

    source: ClassVar[Source] = Source(
        "Lindsey & Litwin-Kumar", 2020,
        "Learning to learn with feedback and local plasticity", "10.48550/arXiv.2006.09549",
    )  # fmt: skip
    birth: Layers
    feedback: Matrices
    rates: tuple[Positive, ...]
    network: Perceptron = eqx.field(static=True)
    plastic: bool = eqx.field(static=True)

    def __init__(
        self,
        sizes: tuple[int, ...],
        key: Key,
        rate: float = 0.05,
        nonlinearity: str = "relu",
        plastic: bool = False,
        feedback: float = 1.0,
    ):
        self.network = Perceptron(tuple(sizes), nonlinearity)
        forward_key, feedback_key = jax.random.split(key)
        self.birth = self.network.born(forward_key)
        size = feedback / sizes[-1] ** 0.5
        keys = jax.random.split(feedback_key, max(len(sizes) - 2, 1))
        self.feedback = [
            size * jax.random.normal(layer_key, (cells, sizes[-1]))
            for layer_key, cells in zip(keys, sizes[1:-1], strict=False)
        ]
        self.rates = tuple(positive(rate) for _ in sizes[1:])
        self.plastic = plastic

    @property
    def synapses(self) -> int:
        """Those that change: the weights, and the feedback where it is plastic."""
        back = sum(self.network.sizes[1:-1]) * self.network.sizes[-1]
        return self.network.synapses + (back if self.plastic else 0)

    def born(self, key) -> FedBack:
        return FedBack(self.birth, self.feedback)

    def predict(self, state, stimulus):
        return self.network.sweep(state.layers, stimulus).readout

    def moment(self, state, stimulus, target, task, key=None):
        sweep = self.network.sweep(state.layers, stimulus)
        errors = self.errors(state, sweep, target, task, key)
        paced = [rate.value * each for rate, each in zip(self.rates, errors, strict=True)]
        layers = learned(state.layers, sweep.heard, paced, 1.0)
        if not self.plastic:
            return FedBack(layers, state.feedback), sweep.readout
        feedback = [
            back + self.rates[-1].value * jnp.outer(said, errors[-1])
            for back, said in zip(state.feedback, sweep.heard[1:], strict=True)
        ]
        return FedBack(layers, feedback), sweep.readout

    def errors(self, state: FedBack, sweep: Sweep, target, task, key) -> Vectors:
        """What every layer but the input is told: hidden cells, what they hear of the output's."""
        error = task.teach(sweep.readout, target).signal - jax.nn.softmax(sweep.readout)
        return [*(back @ error for back in state.feedback), error]
