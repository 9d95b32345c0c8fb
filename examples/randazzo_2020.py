"""Randazzo et al. (2020): weights and cells as agents that pass messages, and learn by a protocol.

MPLP: Learning a message passing learning protocol. Randazzo, Niklasson & Mordvintsev 2020.
arXiv:2007.00970

Nothing in the network is told to descend a gradient. Each synapse has a memory that a gated unit
moves, and sends vectors to both of its cells; each cell decides what to send on. What is searched
is the protocol that all of them share, through whole short lives, and what counts is
how well held-out examples are named when a life ends.

    python examples/randazzo_2020.py
    METAPLAST_DATA=folder python examples/randazzo_2020.py   # with mnist.npz there: MNIST, too

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import os
import time

from beside import NOT_GIVEN, found, heading, last, lives, numbers, resized, rivals, row
from command import Command, as_command

from metaplast.learner_loss import LearnerLoss
from metaplast.learners.message_passing import MessagePassing
from metaplast.meta import Backprop as MetaBackprop
from metaplast.tasks import RandomProjection, digits, mnist1d, named
from metaplast.tasks.folder import FOLDER

RATES = (0.01, 0.03, 0.1, 0.3)
EXAMPLES = 160
"""Twenty steps of eight examples, as the paper has them."""

DEVIATIONS = """\
Deviations from the paper: its 20 steps of 8 examples are 160 moments of one; a synapse keeps a
weight beside the memory of its gated unit, and the search starts at backprop, the paper's at
nothing; biases are synapses from a cell that says 1; cells decide without a memory of their own;
errors are those of a softmax, the paper's come from a learned agent; the search is on 8 x 8
digits in random projections and 16 hidden cells, not on MNIST at 12 x 12 pixels and 50 hidden cells
(mplp_MNIST.ipynb in google-research/self-organising-systems).
The paper's accuracies are in curves; figures to stand beside these are not given.
Rates of the rivals are the best of a grid in hindsight, on the lives that are shown."""


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    task = RandomProjection(digits(options.moments, split="search"), options.inputs)

    def network(inputs: int, classes: int) -> MessagePassing:
        sizes = (inputs, options.hidden, classes)
        return MessagePassing(sizes, options.channels, options.states, seed=options.seed)

    first = network(task.inputs, task.classes)
    print(f"network {'-'.join(map(str, first.sizes))}, {options.moments} examples a life; "
          f"{numbers(first)} numbers of the protocol are searched")  # fmt: skip
    meta = MetaBackprop("adam", options.meta_rate, options.steps, options.meta_lives)
    protocol = found(LearnerLoss(task, "end"), first, meta, options.steps, options.seed)

    judged = [
        ("digits, not searched on", digits(options.moments, split="bench")),
        ("MNIST-1D, never seen", mnist1d(options.moments)),
    ]
    if os.environ.get(FOLDER):
        judged.append(("MNIST, never seen", named("mnist", options.moments)))
    for name, other in judged[: options.tables]:
        seen = (other, options.lives, options.seed + 1)
        born = network(other.inputs, other.classes)
        heading(f"held-out accuracy in % after {options.moments} examples: {name}")
        row("found protocol", NOT_GIVEN, lives(resized(born, protocol), *seen)[1])
        row("backprop, where it began", NOT_GIVEN, lives(born, *seen)[1])
        rivals(born.sizes, RATES, *seen)
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("states", 3, "of a synapse")
    command.count("channels", 2, "numbers in a message")
    command.count("hidden", 16, "cells of the hidden layer")
    command.count("inputs", 32, "random projections, in the search")
    command.count("moments", EXAMPLES, "examples in a life")
    command.descent(60, 4, 0.02)
    command.compared(12, tables=9)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
