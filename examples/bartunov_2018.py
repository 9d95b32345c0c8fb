"""Bartunov et al. (2018): rules for deep networks, without weight sharing and on real pictures.

Assessing the scalability of biologically-motivated deep learning algorithms and architectures.
NeurIPS 2018. doi:10.48550/arXiv.1807.04587

Cells look at patches of the picture, each with weights of its own, as cells of the visual cortex
do and convolutions do not. In such a network the paper compares backprop with feedback
alignment and with difference target propagation, whose layers learn to invert each other, and
its simplified form, which transports no weight at all.

    python examples/bartunov_2018.py

prints both sides: what the paper reports, and what was measured just now. Needs CIFAR-10 in the
folder that METAPLAST_DATA names. Whoever has ImageNet there, as a folder `imagenet` with the
folders `train` and `val`, says `--data imagenet`; `--size` is the side of the pictures.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from beside import last
from command import as_command
from jaxtyping import Array, Float
from pictures import FIRST, Rule, channels, command, delta_rule, run

from metaplast import synapses
from metaplast.circuits import Circuit, local
from metaplast.delivery import Change

DEVIATIONS = """\
Deviations from the paper: two small locally connected layers (tanh, no bias but in the output and
in the inverses); 12 000 moments of one picture each (6000 pictures, twice), plain steps, for all
pictures and many passes. Feedback of feedback alignment runs over random synapses at the same
places as the forward ones; so do the inverses of target propagation, which learn at the rate of the
network, with noise of .1; a target lies half the error away.
"Readout alone" leaves the hidden layers as they were born. Rates are the best of a grid on other
pictures. The last column: difference to backprop, paired life by life, with its 95 % interval."""


class TargetState(NamedTuple):
    """All weights by projection, and biases of the output and of the inverses by population."""

    weights: dict[str, Float[Array, "rows fan_in"]]
    biases: dict[str, Float[Array, " cells"]]


class LocalTargetPropagation(eqx.Module):
    r"""Difference target propagation over synapses that are not all there.

    The rule of `metaplast.learners.DifferenceTargetPropagation`, of which docstring and symbols
    hold here, too: the inverse of a layer runs back along the synapses of that layer, with weights
    of its own.

    Args:
        circuit: a layered one, whose feedback is `backward`.
        rate: learning rate $\eta$.
        inverse_rate: $\mu$.
        reach: $\hat\eta$.
        noise: standard deviation of the noise at which inverses are trained.
        simplified: whether the topmost target, too, comes through an inverse.
    """

    circuit: Circuit = eqx.field(static=True)
    rate: Float[Array, ""]
    inverse_rate: Float[Array, ""]
    reach: float = eqx.field(static=True, default=0.5)
    noise: float = eqx.field(static=True, default=0.1)
    simplified: bool = eqx.field(static=True, default=False)

    @property
    def forward(self):
        """Projections from the input to the output."""
        return [q for q in self.circuit.projections if q.site == "basal"]

    @property
    def inverses(self):
        """By hidden layer, from the lowest, the projection that brings it what the layer above
        said."""
        every = [q for q in self.circuit.projections if q.site == "apical"]
        return every if self.simplified else every[:-1]

    def born(self, key) -> TargetState:
        keys = jax.random.split(key, len(self.circuit.weighted))
        weights = {}
        for q, own_key in zip(self.circuit.weighted, keys, strict=True):
            shape = self.circuit.shape(q)
            normal = jax.random.normal(own_key, (shape[0] * shape[1],))
            weights[q.name] = synapses.newborn(self.circuit, q, normal)
        return TargetState(
            weights, {p.name: jnp.zeros(p.size) for p in self.circuit.populations[1:]}
        )

    def sweep(self, state: TargetState, stimulus):
        """What every layer says, from the input to the last hidden one, and the readout."""
        deliver, said = synapses.Delivering(self.circuit, state.weights), [stimulus]
        for q in self.forward[:-1]:
            said.append(jnp.tanh(deliver(q.name, said[-1])))
        readout = deliver(self.forward[-1].name, said[-1])
        return said, readout + state.biases[self.circuit.output.name]

    def predict(self, state, stimulus):
        return self.sweep(state, stimulus)[1]

    def moment(self, state, stimulus, target, task, key=None):
        said, readout = self.sweep(state, stimulus)
        deliver = synapses.Delivering(self.circuit, state.weights)
        error = task.teach(readout, target).signal - jax.nn.softmax(readout)
        weights, biases = dict(state.weights), dict(state.biases)

        def learn(q, post, pre):
            change = Change(jnp.ones_like(post), post[None], pre[None])
            weights[q.name] = synapses.changed(self.circuit, q, weights[q.name], change)

        def inverse(q, above):
            return jnp.tanh(deliver(q.name, above, transposed=True) + state.biases[q.post])

        above = [*said[1:], jax.nn.softmax(readout)]
        if self.simplified:
            aims = [above[-1] + self.reach * error]
        else:
            step = deliver(self.forward[-1].name, error, transposed=True)
            aims = [above[-2] + self.reach * step]
        for layer in reversed(range(len(self.inverses))):
            q = self.inverses[layer]
            aims.insert(0, above[layer] + inverse(q, aims[0]) - inverse(q, above[layer + 1]))

        for layer, q in enumerate(self.forward[:-1]):
            slope = 1.0 - above[layer] ** 2
            learn(q, self.rate * slope * (aims[layer] - above[layer]) / self.reach, said[layer])
        learn(self.forward[-1], self.rate * error, said[-1])
        biases[self.circuit.output.name] += self.rate * error

        keys = jax.random.split(key, max(len(self.inverses), 1))
        for layer, q in enumerate(self.inverses):
            noise = jax.random.normal(keys[layer], above[layer].shape)
            noisy = above[layer] + self.noise * noise
            arrived = deliver(self.forward[layer + 1].name, noisy)
            top = layer + 2 == len(self.forward)
            answer = jax.nn.softmax(arrived + state.biases[q.pre]) if top else jnp.tanh(arrived)
            again = inverse(q, answer)
            missed = self.inverse_rate * (1.0 - again**2) * (noisy - again)
            learn(q, missed, answer)
            biases[q.post] += missed
        return TargetState(weights, biases), readout


def rules(data: str, inputs: int, classes: int, options) -> dict[str, Rule]:
    """The rows of the table."""

    def circuit(feedback: str) -> Circuit:
        return local(inputs, options.hidden, classes, options.patch, options.stride, feedback,
                     channels(data))  # fmt: skip

    def delta(feedback: str, deep: bool = True):
        return lambda rate: delta_rule(circuit(feedback), rate, "tanh", deep)

    def targets(simplified: bool):
        return lambda rate: LocalTargetPropagation(
            circuit("backward"), rate, options.inverse_rate * rate, simplified=simplified
        )

    return {
        FIRST: Rule({"cifar10": "32.4", "imagenet": "71.4"}, delta("symmetric")),
        "feedback alignment": Rule({"cifar10": "37.4", "imagenet": "93.1"}, delta("backward")),
        "difference target propagation": Rule(
            {"cifar10": "39.5", "imagenet": "98.3"}, targets(False)
        ),
        "the same, simplified": Rule({"cifar10": "45.7", "imagenet": "99.3"}, targets(True)),
        "readout alone": Rule({}, delta("none", deep=False)),
    }


def main(arguments: list[str] | None = None) -> None:
    begun = time.perf_counter()
    parser = command(__doc__, "cifar10", "8,16", "0.0003,0.001,0.003,0.01,0.03", 12_000)
    parser.add_argument("--inverse-rate", type=float, default=1.0, help="per learning rate")
    run(parser, arguments, rules)
    last(DEVIATIONS, begun)


if __name__ == "__main__":
    as_command(main)
