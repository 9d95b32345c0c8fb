"""Kirsch & Schmidhuber (2021): a small recurrent network in every synapse, found for 500 examples.

Meta learning backpropagation and improving it. NeurIPS 2021. arXiv:2012.14905

All synapses of a network share the parameters of one recurrent unit, and differ in its state alone:
that is where they keep what they learn, and what they send in both directions comes from. Adam
through whole lives moves the parameters. Lives are one pass through some hundred examples, and
what counts is every answer before it was learned.

    python examples/kirsch_2021.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time

from beside import NOT_GIVEN, found, heading, last, lives, numbers, resized, rivals, row
from command import Command, as_command

from metaplast.learner_loss import LearnerLoss
from metaplast.learners.message_passing import MessagePassing
from metaplast.meta import Backprop as MetaBackprop
from metaplast.tasks import RandomProjection, digits, mnist1d

RATES = (0.01, 0.03, 0.1, 0.3)

DEVIATIONS = """\
Deviations from the paper: a gated recurrent unit beside one weight, for LSTM cells that have no
weight apart; two numbers in a message, not eight; the search starts at backprop, which the paper's
units had to be taught; gradient descent for evolution with a population of 1024 and 10001
iterations; 8 x 8 digits in random projections for MNIST.
The paper reports 87 and 90 % on MNIST for the backprop that its units were taught to imitate, and
for what was searched that it is faster than SGD and Adam in the first hundreds of examples, in
curves; a figure to stand beside these is not given.
Rates of the rivals are the best of a grid in hindsight, on the lives that are shown."""


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    task = RandomProjection(digits(options.moments, split="search"), options.inputs)

    def network(inputs: int, classes: int) -> MessagePassing:
        sizes = (inputs, options.hidden, classes)
        return MessagePassing(sizes, options.channels, options.states, seed=options.seed)

    first = network(task.inputs, task.classes)
    print(f"network {'-'.join(map(str, first.sizes))}; {options.states} states in every synapse, "
          f"{options.channels} numbers in a message; {numbers(first)} are searched")  # fmt: skip
    meta = MetaBackprop("adam", options.meta_rate, options.steps, options.meta_lives)
    genome = found(LearnerLoss(task, "life"), first, meta, options.steps, options.seed)

    others = (
        ("digits, not searched on", digits(options.longer, split="bench")),
        ("MNIST-1D, never seen", mnist1d(options.longer)),
    )
    for name, judged in others[: options.tables]:
        heading(f"accuracy in % over the first {options.longer} examples: {name}")
        seen = (judged, options.lives, options.seed + 1)
        born = network(judged.inputs, judged.classes)
        row("found rule", NOT_GIVEN, lives(resized(born, genome), *seen)[0])
        row("backprop, where it began", NOT_GIVEN, lives(born, *seen)[0])
        rivals(born.sizes, RATES, *seen, online=True)
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("states", 3, "of a synapse")
    command.count("channels", 2, "numbers in a message")
    command.count("hidden", 16, "cells of the hidden layer")
    command.count("inputs", 32, "random projections, in the search")
    command.count("moments", 200, "examples in a searched life")
    command.count("longer", 500, "examples in a compared life")
    command.descent(60, 4, 0.02)
    command.compared(12, tables=9)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
