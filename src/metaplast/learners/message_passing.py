"""Synapses with a recurrent memory that send messages of several numbers, up and down."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.gated import gated
from metaplast.learners.perceptron import NONLINEARITIES, Perceptron
from metaplast.source import Source
from metaplast.squash import squash

Messages = Float[Array, "_cells channels"]
Synapses = Float[Array, "_post _pre"]

CELL_WIDTH = 8
"""Units of the network that decides what a hidden cell sends down."""


class Layer(NamedTuple):
    """The synapses between two layers; the last pre-synaptic cell of each always says 1."""

    weight: Synapses
    memory: tuple[Synapses, ...]


class MessagePassing(eqx.Module):
    r"""Every synapse is a small recurrent network that hears both of its cells and answers both.

    Up: cell $j$ hears $u_{cj} = \sum_i (w_{ji} a_{ci} + \sum_s F_{cs} h_{sji} a_{0i})$ on
    channel $c$, and says $a_{0j} = \phi(u_{0j})$, $a_{cj} = \tanh(u_{cj})$. Channel 0 of the output
    is the answer. Down: output cells send their error on channel 0 and nothing else; cell $i$ hears
    $v_{ci} = \sum_j (w_{ji} e_{cj} + \sum_s B_{cs} h_{sji} e_{0j})$ and sends
    $e_{0i} = \phi'(u_{0i})\,v_{0i}$ and $e_{ci} = \tanh(v_{ci})$, corrected by a small network of
    what it heard and said. Then a synapse remembers, $h \leftarrow \mathrm{GRU}(h; a_i, e_j, w)$,
    and changes, $\Delta w = \eta\,(e_{0j} a_{0i} + \sum_s o_s h_s)$.

    All synapses share their parameters, and all cells theirs, whatever the layer: a found rule
    fits any network. $F$, $B$, $o$ and the last layer of the cells' network are 0 at first, where
    this is backprop: a synapse uses the weight it has in both directions, as in the
    sources (weight transport, says the audit).

    Where we deviate from the sources: one gated recurrent unit a synapse (Kirsch & Schmidhuber: an
    LSTM that has no weight apart; Randazzo et al.: one for weights, biases and activations
    each, and losses from a learned agent); one example a moment.

    Args:
        sizes: cells of the input, of every hidden layer, and of the output.
        channels: numbers in a message; 1 or more.
        states: numbers that a synapse remembers; 1 or more.
        rate: $\eta$.
        seed: of the gates and of the cells' network.
        nonlinearity: $\phi$ of hidden cells.

    References: Kirsch & Schmidhuber (2021) NeurIPS, arXiv:2012.14905; Randazzo, Niklasson &
    Mordvintsev (2020) arXiv:2007.00970.
    """

    source: ClassVar[Source] = Source(
        "Kirsch & Schmidhuber", 2021, "Meta learning backpropagation and improving it",
        "10.48550/arXiv.2012.14905",
    )  # fmt: skip
    up: Float[Array, "channels states"]
    """$F$."""
    down: Float[Array, "channels states"]
    """$B$."""
    inputs: Float[Array, "parts states features"]
    recurrent: Float[Array, "parts states states"]
    bias: Float[Array, "parts states"]
    out: Float[Array, " states"]
    """$o$."""
    cell_hidden: Float[Array, "width features"]
    cell_out: Float[Array, "channels width"]
    rate: Float[Array, ""]
    sizes: tuple[int, ...] = eqx.field(static=True)
    nonlinearity: str = eqx.field(static=True)

    def __init__(
        self,
        sizes: tuple[int, ...],
        channels: int = 2,
        states: int = 2,
        rate: float | Float[Array, ""] = 0.03,
        seed: int = 0,
        nonlinearity: str = "tanh",
    ):
        for name, value in (("channels", channels), ("states", states)):
            if value < 1:
                raise ValueError(f"{name} = {value}: expected 1 or more")
        Perceptron(sizes, nonlinearity)  # refuses wrong sizes
        gates, memory, cell = jax.random.split(jax.random.key(seed), 3)
        self.up = self.down = jnp.zeros((channels, states))
        self.inputs = jax.random.normal(gates, (3, states, 2 * channels + 1))
        self.recurrent = jax.random.normal(memory, (3, states, states)) / states**0.5
        self.bias = jnp.zeros((3, states))
        self.out = jnp.zeros(states)
        self.cell_hidden = jax.random.normal(cell, (CELL_WIDTH, 2 * channels))
        self.cell_out = jnp.zeros((channels, CELL_WIDTH))
        self.rate = jnp.asarray(rate, float)
        self.sizes, self.nonlinearity = tuple(sizes), nonlinearity

    @property
    def synapses(self) -> int:
        """Those from the cells that always say 1 among them; all of them plastic."""
        network = Perceptron(self.sizes, self.nonlinearity)
        return network.synapses + sum(self.sizes[1:])

    def born(self, key) -> list[Layer]:
        """Weights of a `Perceptron`, offsets of zero, nothing remembered."""
        born = Perceptron(self.sizes, self.nonlinearity).born(key).weights
        weights = [jnp.pad(w, ((0, 0), (0, 1))) for w in born]
        return [Layer(w, tuple(jnp.zeros_like(w) for _ in self.out)) for w in weights]

    def predict(self, state, stimulus):
        return self.forward(state, stimulus)[1][-1][:, 0]

    def moment(self, state, stimulus, target, task, key=None):
        said, drives = self.forward(state, stimulus)
        sent = self.backward(state, said, drives, target, task)
        changed = [
            self._changed(layer, _with_one(below), above)
            for layer, below, above in zip(state, said, sent, strict=True)
        ]
        return changed, drives[-1][:, 0]

    def forward(self, state, stimulus) -> tuple[list[Messages], list[Messages]]:
        """What the input and hidden cells say, and what arrives at hidden and output cells."""
        said = [jnp.zeros((stimulus.shape[0], self.up.shape[0])).at[:, 0].set(stimulus)]
        drives = []
        for layer in state:
            drives.append(_delivered(layer, self.up, _with_one(said[-1])))
            said.append(self._first(drives[-1], self._phi(drives[-1][:, 0])))
        return said[:-1], drives

    def backward(self, state, said, drives, target, task) -> list[Messages]:
        """What hidden and output cells send to the synapses below them."""
        readout = drives[-1][:, 0]
        told = jnp.zeros_like(drives[-1]).at[:, 0].set(task.teach(readout, target).signal)
        sent = [told.at[:, 0].add(-jax.nn.softmax(readout))]
        layers = zip(state[:0:-1], said[:0:-1], drives[-2::-1], strict=True)
        for layer, activity, drive in layers:
            back = Layer(layer.weight[:, :-1].T, tuple(h[:, :-1].T for h in layer.memory))
            heard = _delivered(back, self.down, sent[-1])
            first = drive[:, 0]
            slope = jax.jvp(self._phi, (first,), (jnp.ones_like(first),))[1]
            features = squash(jnp.concatenate([heard, activity], 1))
            decided = squash(features @ self.cell_hidden.T) @ self.cell_out.T
            sent.append(self._first(heard, slope * heard[:, 0]) + decided)
        return sent[::-1]

    def _changed(self, layer: Layer, below: Messages, above: Messages) -> Layer:
        post = tuple(message[:, None] for message in above.T)
        pre = tuple(message[None, :] for message in below.T)
        # Backward, the gates are computed again: only what a synapse remembers is kept.
        memory = jax.checkpoint(gated)(
            self.inputs, self.recurrent, self.bias, layer.memory, (post, pre, (layer.weight,))
        )
        told = sum(o * h for o, h in zip(self.out, memory, strict=True))
        return Layer(
            layer.weight + self.rate * (jnp.outer(above[:, 0], below[:, 0]) + told), memory
        )

    def _phi(self, drive):
        return NONLINEARITIES[self.nonlinearity](drive)

    @staticmethod
    def _first(messages: Messages, first: Float[Array, " cells"]) -> Messages:
        """Channel 0 as it is given; the others bounded."""
        return jnp.tanh(messages).at[:, 0].set(first)


def _with_one(messages: Messages) -> Messages:
    """One more cell, whose first channel says 1."""
    channels = messages.shape[1]
    return jnp.concatenate([messages, jnp.zeros((1, channels)).at[0, 0].set(1.0)])


def _delivered(layer: Layer, mixing: Float[Array, "channels states"], sent: Messages) -> Messages:
    """What arrives through the weights, and from what synapses remember of who spoke."""
    remembered = jnp.stack([h @ sent[:, 0] for h in layer.memory], 1)
    return layer.weight @ sent + remembered @ mixing.T
