"""Gu et al. (2019): cells that decide what their synapses learn, from few labels and many without.

Meta-learning biologically plausible semi-supervised update rules. bioRxiv 2019.
doi:10.1101/2019.12.30.891184

A synapse changes by the product of what its two cells offer. What a cell offers is the decision of
a small network that all cells of a kind share, from what reaches the cell: the drive from below,
the feedback from above, and what its neighbors do. Only output cells hear a label, and of
most examples they hear none. Adam through whole lives finds the networks; lives are of two
classes that lie as moons, turned anew in every life. Then the rule meets Gaussians.

    python examples/gu_2019.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from beside import NO_SUCH, NOT_GIVEN, found, heading, last, lives, numbers, row, tuned
from command import Command, as_command
from jaxtyping import Array, Float

from metaplast.circuits import layered
from metaplast.learner_loss import LearnerLoss
from metaplast.learners.backprop import Backprop
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.meta import Backprop as MetaBackprop
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import AbstractNeuron, Output, Rate
from metaplast.neurons.abstract import POOL
from metaplast.neurons.around import AbstractAround
from metaplast.neurons.decision import Decision
from metaplast.rules import Factored
from metaplast.tasks import AbstractTask
from metaplast.types import Episode, Teaching

RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
NONE = -1
"""The target of an example without a label."""

DEVIATIONS = """\
Deviations from the paper: one example a moment, of which every tenth has a label, one of six;
cells start at feedback alignment, to which their networks add; fixed random feedback; what
neighbors do arrives as means over the layer, and not over recurrent synapses; two layers of 16;
moons are turned, mirrored and renamed in every life. The paper shows that its rule learns two
simple classification problems from sparse labels; figures for this set-up are not given.
"Without the others" is the same rule in lives of the labelled moments alone. Backprop hears labels
alone, or takes its own answer for the label, too, where there is none (Lee 2013). Rates of the
rivals are the best of a grid in hindsight, on the lives that are shown."""


class FewLabels(AbstractTask):
    """Two classes in a plane, turned anew in every life; every so often an example has a label."""

    shape: Literal["moons", "gaussians"] = eqx.field(static=True)
    moments: int = eqx.field(static=True)
    every: int = eqx.field(static=True)
    """One moment in so many has a label."""
    labels: int = eqx.field(static=True)
    """Labelled examples of each class, which come again and again."""
    others: Literal["unlabelled", "named by the learner", "absent"] = eqx.field(
        static=True, default="unlabelled"
    )
    held_out: int = eqx.field(static=True, default=100)
    inputs: int = eqx.field(static=True, default=3)
    """The two of the plane, and one that is always on."""
    classes: int = eqx.field(static=True, default=2)

    def drawn(self, targets, key) -> Float[Array, "examples 2"]:
        """One example for each target, before it is turned."""
        along_key, noise_key = jax.random.split(key)
        noise = jax.random.normal(noise_key, (targets.size, 2))
        side = 2.0 * targets - 1.0
        if self.shape == "gaussians":
            return noise * jnp.asarray([1.4, 0.25]) + jnp.stack([0.0 * side, 0.8 * side], -1)
        angle = jnp.pi * jax.random.uniform(along_key, targets.shape)
        arc = jnp.stack([side * (jnp.cos(angle) - 0.5), side * (0.25 - jnp.sin(angle))], -1)
        return 1.4 * arc + 0.12 * noise

    def sample(self, key):
        label_key, point_key, turn_key, mirror_key, order_key = jax.random.split(key, 5)
        pool = jnp.tile(jnp.arange(2), self.labels)
        free = jax.random.randint(label_key, (self.moments + self.held_out,), 0, 2)
        targets = jnp.concatenate([pool, free])
        angle = 2.0 * jnp.pi * jax.random.uniform(turn_key)
        turn = jnp.asarray([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
        mirror = jnp.stack([jnp.ones(()), jax.random.rademacher(mirror_key, (), float)])
        points = self.drawn(targets, point_key) @ (turn * mirror)
        stimuli = jnp.concatenate([points, jnp.ones((targets.size, 1))], -1)
        known, new, test = jnp.split(stimuli, [pool.size, pool.size + self.moments])
        moment = jnp.arange(self.moments)
        # Both classes in turn, beginning with either.
        which = (moment // self.every + jax.random.randint(order_key, (), 0, 2)) % pool.size
        labelled = moment % self.every == 0
        shown = jnp.where(labelled[:, None], known[which], new)
        told = jnp.where(labelled, pool[which], NONE)
        if self.others == "absent":
            shown, told = shown[:: self.every], told[:: self.every]
        return Episode(shown, told, test, targets[-self.held_out :])

    def teach(self, readout, target) -> Teaching:
        """The label; without one, what the output cells do anyway. Nothing is broadcast."""
        label = jax.nn.one_hot(target, 2, dtype=readout.dtype)
        own = jax.nn.softmax(readout)
        return Teaching(jnp.where(target == NONE, own, label), jnp.zeros(1))

    def loss(self, readout, target):
        """Cross-entropy, or what a learner is told of an example without a label."""
        own = self.others == "named by the learner"
        label = jnp.where(target == NONE, jnp.argmax(readout), target)
        entropy = jax.nn.logsumexp(readout) - readout[label]
        # Together, own answers weigh as much as labels.
        return jnp.where(target == NONE, own / max(self.every - 1, 1), 1.0) * entropy


class Deciding(AbstractAround):
    r"""Another cell, to whose messages and offers a small network adds.

    The network hears the drive from below, the own activity, the feedback from above, the message
    that the cell `base` would send, and the means of the layer.
    """

    source = Factored.source
    base: AbstractNeuron
    decision: Decision

    def __init__(self, base: AbstractNeuron, width: int, seed: int):
        self.base = base
        self.decision = Decision(4 + POOL, 3, width, 0.02, seed)

    def settle(self, state, cell, lateral):
        state, cell = super().settle(state, cell, lateral)
        told = cell.pooled.at[:2].set(jnp.stack([cell.activity**2, cell.activity]))
        return state, eqx.tree_at(lambda c: c.pooled, cell, told)

    def reply(self, state, cell, apical, pool, modulator):
        state, cell = super().reply(state, cell, apical, pool, modulator)
        own = jnp.stack([cell.drive, cell.activity, apical, cell.message])
        message, post, pre = self.decision(jnp.concatenate([own, pool]))
        return state, eqx.tree_at(
            lambda c: (c.message, c.post, c.pre), cell,
            (cell.message + message, cell.post + post, cell.pre + pre),
        )  # fmt: skip


def network(task: AbstractTask, options) -> PlasticNetwork:
    """Where the search starts: feedback alignment, with cells that decide nearly nothing."""
    cells = {"hidden": Rate("tanh"), "output": Output("softmax")}
    neurons = {
        name: Deciding(cell, options.width, options.seed + index)
        for index, (name, cell) in enumerate(cells.items())
    }
    rules = {kind: Factored((1.0,), 1e-4, unit=options.rate) for kind in ("forward", "readout")}
    circuit = layered(task.inputs, (options.hidden,) * 2, task.classes)
    return PlasticNetwork(circuit, Genome({"input": Rate("linear"), **neurons}, rules))


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()

    def lived(shape, others="unlabelled") -> FewLabels:
        return FewLabels(shape, options.moments, options.every, options.labels, others)

    first = network(lived("moons"), options)
    print(f"two hidden layers of {options.hidden}, {options.moments} examples a life, one in "
          f"{options.every} with a label; {numbers(first)} numbers are searched")  # fmt: skip
    meta = MetaBackprop("adam", options.meta_rate, options.steps, options.meta_lives)
    rule = found(LearnerLoss(lived("moons")), first, meta, options.steps, options.seed)

    judged = (("moons", "moons"), ("Gaussians, never seen", "gaussians"))
    for name, shape in judged[: options.tables]:
        heading(f"held-out accuracy in %: {name}")
        seen = (options.lives, options.seed + 1)
        task, alone = lived(shape), lived(shape, "absent")
        row("found rule", NOT_GIVEN, lives(rule, task, *seen)[1])
        row("found rule, without the others", NOT_GIVEN, lives(rule, alone, *seen)[1])
        row("feedback alignment, where it began", NOT_GIVEN, lives(first, task, *seen)[1])
        sizes = (task.inputs, options.hidden, options.hidden, task.classes)
        rivals = {"labels": "unlabelled", "own answers, too": "named by the learner"}
        for label, others in rivals.items():
            *_, held_out, rate = tuned(
                lambda r, sizes=sizes: Backprop(sizes, "sgd", r, "tanh"),
                RATES, lived(shape, others), *seen,
            )  # fmt: skip
            row(f"backprop, {label}", NOT_GIVEN, held_out, f"best rate {rate:.3g}")
        nearest = NearestNeighbor(task.inputs, task.classes, options.moments)
        row("nearest labelled example", NO_SUCH, lives(nearest, alone, *seen)[1])
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("every", 10, "one moment in so many has a label")
    command.count("labels", 3, "labelled examples of each class")
    command.count("hidden", 16, "cells of each hidden layer")
    command.count("width", 8, "units of the network in a cell")
    command.add_argument("--rate", type=float, default=0.1, help="of what cells offer, at first")
    command.count("moments", 200, "examples in a life")
    command.descent(500, 8, 0.02)
    command.compared(100, tables=9)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
