"""Metz et al. (2019): an unsupervised rule of neurons, found for what a readout makes of it.

Meta-learning update rules for unsupervised representation learning. ICLR 2019. arXiv:1804.00222

Hidden cells hear nobody who knows a label. What each of them sends and offers its synapses is
decided by a small network that all cells share; synapses multiply what their two ends offer, and
leak. A linear readout learns from labels by least squares, and how well it does so is what the
search improves. Then the same rule is put into wider and deeper networks, and onto other data.

    python examples/metz_2019.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time

import equinox as eqx
import jax.numpy as jnp
from beside import NO_SUCH, NOT_GIVEN, found, heading, last, lives, numbers, row
from command import Command, as_command

from metaplast.circuits import unsupervised
from metaplast.learners.recursive_least_squares import RecursiveLeastSquares
from metaplast.meta import Backprop as MetaBackprop
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Association, Learned, Output, Rate, Sensory
from metaplast.objective import Objective
from metaplast.rules import Decorrelation, Factored, Oja
from metaplast.tasks import AbstractTask, RandomProjection, digits, mnist1d
from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Teaching

PRIOR = 1.0
"""Variance of a readout weight before anything was learned."""

DEVIATIONS = """\
Deviations from the paper: the readout learns online, beside the hidden layers, and not on frozen
features afterwards; no backward weights between hidden layers; cells decide from what they know
at one moment, for one example is shown at a time; minutes for 512 workers x 8 days; in every life
the search meets random projections of its data. The paper shows in curves that its
rule moves from 2 to 5 layers to 11, and from 512 to 10000 cells; a figure to stand
beside these is not given."""


class LabelsAtTheOutput(AbstractWrapper):
    """The inner task, whose broadcast says nothing: only output cells hear of the label."""

    @property
    def change_name(self) -> str:
        return "without a broadcast"

    def change(self, episode, key):
        del key
        return episode

    def teach(self, readout, target) -> Teaching:
        return Teaching(self.task.teach(readout, target).signal, jnp.zeros(1))


def network(inputs: int, hidden: tuple[int, ...], classes: int, genome: Genome) -> PlasticNetwork:
    return PlasticNetwork(unsupervised(inputs, hidden, classes, PRIOR), genome)


def neuron_local(seed: int) -> Genome:
    """Where the search starts: cells that decide nearly nothing, and a hint of Hebb."""
    rules = {"forward": Factored((0.0, 0.01), 1e-3), **readout()}
    return Genome({**others(), "hidden": Learned(Hebbian(), start=0.1, seed=seed)}, rules)


class Hebbian(Rate):
    """A rate cell that offers its incoming synapses its activity, beside an error that is none."""

    source = Rate.source

    def reply(self, state, cell, apical, pool, modulator):
        state, cell = super().reply(state, cell, apical, pool, modulator)
        post = jnp.stack([cell.message, cell.activity])
        pre = jnp.stack([cell.activity, cell.activity])
        return state, eqx.tree_at(lambda c: (c.post, c.pre), cell, (post, pre))


def others() -> dict:
    return {"input": Sensory(), "association": Association(), "output": Output("linear")}


def readout() -> dict:
    """Least squares: see `circuits.unsupervised` and `rules.Decorrelation`."""
    return {"lateral": Decorrelation(1.0), "readout": Factored((1.0,), 0.0)}


def by_hand(rule) -> Genome:
    return Genome({**others(), "hidden": Rate()}, {**({"forward": rule} if rule else {}),
                                                   **readout()})  # fmt: skip


def show(name: str, task: AbstractTask, hidden: tuple[int, ...], genomes, options) -> None:
    """One table: the found rule, and what it is measured by, in one network on one task."""
    task = LabelsAtTheOutput(task)
    layers = " + ".join(map(str, hidden))
    heading(f"held-out accuracy in %: {name}, hidden {layers}")
    for label, genome in genomes.items():
        learner = network(task.inputs, hidden, task.classes, genome)
        row(label, NOT_GIVEN, lives(learner, task, options.lives, options.seed + 1)[1])
    rival = RecursiveLeastSquares(task.inputs, task.classes)
    row("least squares on the input", NO_SUCH, lives(rival, task, options.lives,
                                                       options.seed + 1)[1])  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    hidden = (options.hidden,) * 2
    searched = RandomProjection(digits(options.moments, split="search"), options.inputs)
    first = neuron_local(options.seed)
    circuit = unsupervised(searched.inputs, hidden, searched.classes, PRIOR)
    print(f"two hidden layers of {options.hidden}, {options.moments} examples a life, "
          f"{numbers(first)} numbers are searched")  # fmt: skip
    meta = MetaBackprop("adam", options.meta_rate, options.steps, options.meta_lives)
    objective = Objective(LabelsAtTheOutput(searched), circuit, sharpness=8.0)
    genome = found(objective, first, meta, options.steps, options.seed)

    genomes = {
        "found rule": genome,
        "where the search began": first,
        "Oja's rule": by_hand(Oja(0.01)),
        "random features, not plastic": by_hand(None),
    }
    bench, other = digits(options.moments, split="bench"), mnist1d(options.moments)
    judged = (
        ("digits, not searched on", bench, hidden),
        ("digits, wider", bench, (4 * options.hidden,) * 2),
        ("digits, deeper", bench, (options.hidden,) * 4),
        ("MNIST-1D, never seen", other, hidden),
    )
    for name, task, layers in judged[: options.tables]:
        show(name, task, layers, genomes, options)
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.descent(60, 4, 0.02)
    command.count("moments", 200, "examples in a life")
    command.count("inputs", 48, "random projections, in the search")
    command.count("hidden", 32, "cells of each hidden layer")
    command.compared(12, tables=9)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
