"""Sandler et al. (2021): a genome of twenty numbers that learns as backprop does not.

Meta-learning bidirectional update rules. ICML 2021. arXiv:2104.04657

Cells and synapses have two states each; what moves them, forward, backward and in between, is
mixed by four small matrices that all cells and synapses share. No gradient is computed in a
life. Adam through whole lives finds the matrices, on one data set; then the same genome meets
others, and other layers, that it has never seen.

    python examples/sandler_2021.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time

import equinox as eqx
from beside import NOT_GIVEN, found, heading, last, lives, numbers, resized, rivals, row
from command import Command, as_command

from metaplast.learner_loss import LearnerLoss
from metaplast.learners.bidirectional import Bidirectional
from metaplast.meta import Backprop as MetaBackprop
from metaplast.tasks import RandomProjection, digits, mnist1d

RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
NEAR = 0.003
"""How far from the point a search starts; ten times as far, cells learn from what they say, until
all of them say the same."""

DEVIATIONS = """\
Deviations from the paper: 8 x 8 digits and MNIST-1D for MNIST and its kin; one example a moment,
300 in a life, for 10 to 50 batches of 128; a softmax at the output; the search starts near
the point of the family that is feedback alignment without slopes, and whose output cells are told
their error (--start delta), where the paper starts from nothing and tells what was wanted (--start
random), and in every life meets random projections of its data.
The paper's column is its Section 4.4: a genome of two states that CMA-ES found in networks of 512
hidden cells, after 15 batches of 128, on MNIST at 14 x 14 pixels, on which it was searched. That
found genomes generalize to unseen tasks and train faster than gradient descent is shown in
curves, its Figures 4 to 6.
Rates of the rivals are the best of a grid in hindsight, on the lives that are shown."""


def begin(sizes: tuple[int, ...], options) -> Bidirectional:
    """Where the search starts."""
    if options.start == "random":
        return Bidirectional(sizes, options.states, 0.01, options.seed)
    # Not exactly at the point: where states are alike, so are their derivatives.
    point = Bidirectional.delta(sizes, 0.03, options.states)
    other = Bidirectional(sizes, options.states, 0.03, options.seed, told=point.told)
    mixed = [
        getattr(point, name) + NEAR * getattr(other, name) for name in ("up", "down", "pre", "post")
    ]
    return eqx.tree_at(lambda b: (b.up, b.down, b.pre, b.post), point, mixed)


def at(sizes: tuple[int, ...], genome: Bidirectional) -> Bidirectional:
    """The same genome in a network of other sizes."""
    return resized(Bidirectional(sizes, genome.states, told=genome.told), genome)


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    hidden = (options.hidden,)
    searched = RandomProjection(digits(options.moments, split="search"), options.inputs)
    sizes = (searched.inputs, *hidden, searched.classes)
    first = begin(sizes, options)
    print(f"network {'-'.join(map(str, sizes))}, {options.states} states, a genome of "
          f"{numbers(first)} numbers, {options.moments} examples a life")  # fmt: skip
    meta = MetaBackprop("adam", options.meta_rate, options.steps, options.meta_lives)
    genome = found(LearnerLoss(searched, "life"), first, meta, options.steps, options.seed)

    bench = digits(options.moments, split="bench")
    judged = (
        ("digits, not searched on", bench, hidden, "84"),
        ("MNIST-1D, never seen", mnist1d(options.moments), hidden, NOT_GIVEN),
        ("digits, two hidden layers", bench, 2 * hidden, NOT_GIVEN),
    )
    for name, task, layers, paper in judged[: options.tables]:
        shape = (task.inputs, *layers, task.classes)
        seen = (task, options.lives, options.seed + 1)
        heading(f"held-out accuracy in %: {name}")
        row("found genome", paper, lives(at(shape, genome), *seen)[1])
        row("where the search began", NOT_GIVEN, lives(at(shape, first), *seen)[1])
        rivals(shape, RATES, *seen)
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.add_argument("--start", choices=("delta", "random"), default="delta")
    command.count("states", 2, "of a cell and of a synapse", least=2)
    command.descent(150, 4, 0.01)
    command.count("moments", 300, "examples in a life")
    command.count("inputs", 48, "random projections, in the search")
    command.count("hidden", 32, "cells of the hidden layer")
    command.compared(16, tables=9)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
