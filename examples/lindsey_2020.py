"""Lindsey & Litwin-Kumar (2020): feedback that a search has found, for lives in any order.

Learning to learn with feedback and local plasticity. NeurIPS 2020. arXiv:2006.09549

Errors of the output cells are injected into hidden layers over feedback that is no copy of the
forward weights; synapses multiply what they hear with what their other end does. Adam
through whole lives finds the feedback, the forward weights with which lives begin, and the
rates. Lives are few-shot: new characters of Omniglot, shuffled, or one class after the other.

    METAPLAST_DATA=folder/of/data/sets python examples/lindsey_2020.py

prints both sides: what the paper reports, and what was measured just now. Without Omniglot,
`--data clusters` takes Gaussian clusters instead.
"""

from __future__ import annotations

import functools
import time

import equinox as eqx
import jax
import jax.numpy as jnp
from beside import NO_SUCH, NOT_GIVEN, found, heading, last, lives, row, tuned
from command import Command, as_command

from metaplast.learner_loss import LearnerLoss
from metaplast.learners.backprop import Backprop
from metaplast.learners.learned_feedback import LearnedFeedback
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.meta import Backprop as MetaBackprop
from metaplast.tasks import AbstractTask, ClassIncremental, Clusters, FewShot, Resize, omniglot

RATES = (0.01, 0.03, 0.1, 0.3, 1.0)

DEVIATIONS = """\
Deviations from the paper: layers that are fully connected, of some dozens of cells, on characters
of 14 x 14 pixels, for convolutions; no Mini-ImageNet; some hundred meta-steps, where the authors'
script for Omniglot (train_omniglot_example_script.py), which has five classes of five examples,
too, takes 40000. The rival that descends the gradient begins its lives where the search ended, but
was not searched for, so it is weaker than the online meta-learning of the paper. The paper reports
that its method matches or exceeds gradient-based online meta-learning and is best in continual
order; a figure to stand beside these is not given.
Rates of the rivals are the best of a grid in hindsight, on the lives that are shown."""


class Begun(eqx.Module):
    """Backprop whose lives begin where those of another learner do."""

    rival: Backprop
    other: LearnedFeedback

    def born(self, key):
        born, birth = self.rival.born(key), self.other.birth
        return born._replace(weights=birth.weights, biases=birth.biases)

    def moment(self, state, stimulus, target, task, key=None):
        return self.rival.moment(state, stimulus, target, task, key)

    def predict(self, state, stimulus):
        return self.rival.predict(state, stimulus)


def few_shot(split: str, options) -> AbstractTask:
    """Lives of a few new classes."""
    if options.data == "clusters":
        shown = options.ways * options.shots
        return Clusters(32, options.ways, shown, 3 * options.ways, nuisance=8)
    task = FewShot(omniglot(split="all"), options.ways, options.shots, split=split)
    return Resize(task, 14)


def without_feedback(learner: LearnedFeedback) -> LearnedFeedback:
    """The same learner, whose hidden layers hear nothing."""
    silent = [jnp.zeros_like(back) for back in learner.feedback]
    return eqx.tree_at(lambda f: f.feedback, learner, silent)


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    searched, judged = few_shot("search", options), few_shot("bench", options)
    sizes = (searched.inputs, options.hidden, options.hidden, options.ways)
    first = LearnedFeedback(sizes, jax.random.key(options.seed), 0.03, plastic=options.plastic)
    order = "one after the other" if options.in_order else "shuffled"
    print(f"network {'-'.join(map(str, sizes))}, {options.ways} classes of {options.shots} "
          f"examples, in the search {order}")  # fmt: skip
    meta = MetaBackprop("adam", options.meta_rate, options.steps, options.meta_lives)
    lived = ClassIncremental(searched, options.ways) if options.in_order else searched
    plain = functools.partial(Backprop, sizes, "sgd")
    learner = found(LearnerLoss(lived), first, meta, options.steps, options.seed)

    orders = {"shuffled": judged,
              "one class after the other": ClassIncremental(judged, options.ways)}  # fmt: skip
    for name, task in list(orders.items())[: options.tables]:
        heading(f"held-out accuracy in %: new classes, {name}")
        seen = (task, options.lives, options.seed + 1)
        row("found feedback and first weights", NOT_GIVEN, lives(learner, *seen)[1])
        row("the same, hidden layers deaf", NOT_GIVEN, lives(without_feedback(learner), *seen)[1])
        row("where the search began", NOT_GIVEN, lives(first, *seen)[1])
        for label, make in (
            (
                "gradient, from the found weights",
                lambda r: Begun(plain(r), learner),
            ),
            ("gradient, from random weights", plain),
        ):
            *_, held_out, rate = tuned(make, RATES, *seen)
            row(label, NOT_GIVEN, held_out, f"best rate {rate:.3g}")
        mean = NearestClassMean(sizes[0], options.ways)
        row("nearest class mean", NO_SUCH, lives(mean, *seen)[1])
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.add_argument("--data", choices=("omniglot", "clusters"), default="omniglot")
    command.add_argument("--in-order", action="store_true", help="search on lives in order")
    command.add_argument("--plastic", action="store_true", help="feedback learns in life, too")
    command.count("ways", 5, "classes in a life", least=2)
    command.count("shots", 5, "examples of each")
    command.count("hidden", 64, "cells of each hidden layer")
    command.descent(400, 8, 0.003)
    command.compared(100, tables=9)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
