"""Shervani-Tabar & Rosenbaum (2023): a plasticity rule found for random feedback.

Meta-learning biologically plausible plasticity rules with random feedback pathways.
Nature Communications 14, 1805. doi:10.1038/s41467-023-37562-1

A five-layer network learns five classes from 250 examples, one at a time, each once,
with fixed random feedback. Feedback alignment hardly learns that. The rule of every
synapse is a weighted sum of ten candidate terms; Adam through whole lives moves the ten
weights, and an L1 penalty thins them out. Then the rule lives data that it never met, in
the same hidden layers.

    python examples/shervani_tabar_2023.py
    METAPLAST_DATA=folder python examples/shervani_tabar_2023.py --carry mnist1d,mnist

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import dataclasses
import functools
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from command import Command, as_command, refuse
from jaxtyping import Array, Float

from metaplast import search
from metaplast.circuits import Circuit, layered
from metaplast.learners.backprop import Backprop
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.learners.nearest_neighbor import NearestNeighbor
from metaplast.learners.recursive_least_squares import RecursiveLeastSquares
from metaplast.lifetime import live, test_accuracy
from metaplast.meta import Backprop as MetaBackprop
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate, Sensory
from metaplast.objective import Score
from metaplast.rules import TermPool
from metaplast.rules.term_pool import TERMS
from metaplast.tasks import AbstractTask, ClassSubset, digits, named
from metaplast.types import Key

NAMES = (
    "pseudo-gradient", "", "Hebbian in the errors", "decay", "", "", "", "", "Oja, one cell",
    "Oja, subspace",
)  # fmt: skip
"""What the terms are called, in the order of `rules.term_pool.TERMS`. The last one, `y s`, is
Oja's rule for a subspace, for `Reconstructed` lets input cells settle at what is left of `x`."""

KEPT = (0, 2, 9)
"""What the paper's search kept."""

RATES = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
ADAM_RATES = [0.0003, 0.001, 0.003, 0.01, 0.03]
RIDGES = [0.001, 0.01, 0.1, 1.0, 10.0]
"""Of least squares, for each input."""

FACTORS = 1.0, 0.7, 0.5, 0.3, 0.2, 0.1
"""By which all coefficients are multiplied on data of other inputs: what a moment changes in the
drive of a cell grows with their number. The best one counts, as the best of the rivals' rates."""

CLASSES = 5
"""Of a life."""

PAPER = {"feedback alignment": "25", "found rule": "70", "backprop, SGD, same network": "70"}
"""Accuracy in %, about, by row."""

NOWHERE = "none"
"""What `--carry` says for no other data."""

DEVIATIONS = """\
Deviations from the paper: digits of 8 x 8 pixels for EMNIST; layers scaled down, five output
cells for 47; input cells normalize and get no feedback, so F1, F2 and F4 are silent there;
F5 to F7 sum over a whole layer in the paper, and have here a form that one synapse can
compute; F8 is another one; fewer meta-steps with several lives each, cosine-decayed, at a third
of the paper's rate: with the paper's (--meta-rate 1e-3) all lives of seed 0 end up exploding.
As in the paper: softplus of sharpness 10, no biases, fixed random feedback, batch 1, one pass,
Adam with an L1 penalty on the held-out loss at the end of life, one set of coefficients for all
layers.
On other data (--carry) no figure of the paper was at hand.
Rates and ridges of the rivals are the best of a grid in hindsight, on the lives that are shown."""


class Reconstructed(PlasticNetwork):
    """A network whose cells know what the layer above leaves of them: the control that cheats.

    Oja's rule for a subspace, which the paper's search keeps, takes `x_j - sum_k y_k w_kj`: what
    the layer above would send back over the *same* weights. No synapse can know that, and
    no projection of the circuit carries it, so it is handed over here, in `Cell.settled`.
    """

    def _plasticity(self, state, cells, modulator):
        for q in self.circuit.dense:
            if q.kind in self.genome.rules:
                back = cells[q.post].activity @ state.weights[q.name]
                left = cells[q.pre].activity - back
                told = eqx.tree_at(lambda cell: cell.settled, cells[q.pre], left)
                cells = {**cells, q.pre: told}
        return super()._plasticity(state, cells, modulator)


class SparseQueryLoss(eqx.Module):
    """Held-out loss at the end of one life, and the size of the coefficients."""

    task: AbstractTask
    circuit: Circuit = eqx.field(static=True)
    penalty: float = eqx.field(static=True)
    segment: int = eqx.field(static=True)

    def __call__(self, theta: Float[Array, " terms"], key: Key):
        task_key, life_key = jax.random.split(key)
        episode = self.task.sample(task_key)
        network = with_pool(self.circuit, theta)
        life, state = live(network, self.task, episode, life_key, self.segment)
        answers = jax.vmap(lambda x: network.predict(state, x))(episode.test_stimuli)
        loss = jnp.mean(jax.vmap(self.task.loss)(answers, episode.test_targets))
        named = jnp.mean((jnp.argmax(answers, -1) == episode.test_targets).astype(loss.dtype))
        loss = loss + self.penalty * jnp.sum(jnp.abs(theta))
        return loss, Score(loss, named, life.exploded.astype(loss.dtype))


def anatomy(sizes: tuple[int, ...], feedback: str) -> Circuit:
    """A layered network in which one rule serves all forward projections."""
    circuit = layered(sizes[0], sizes[1:-1], sizes[-1], feedback)
    kinds = {"readout": "forward"}
    return Circuit(circuit.populations, tuple(
        dataclasses.replace(q, kind=kinds.get(q.kind, q.kind)) for q in circuit.projections
    ))  # fmt: skip


def with_pool(circuit: Circuit, theta: Float[Array, " terms"]) -> PlasticNetwork:
    return Reconstructed(circuit, genome(theta))


def genome(theta: Float[Array, " terms"]) -> Genome:
    neurons = {"input": Sensory(), "hidden": Rate("softplus"), "output": Output("softmax")}
    return Genome(neurons, {"forward": TermPool(1.0, theta)})


def pseudo_gradient(rate) -> Float[Array, " terms"]:
    """Coefficients of the first term alone: feedback alignment, or gradient descent where
    feedback is symmetric."""
    return jnp.zeros(len(TERMS)).at[0].set(rate)


def lives(make, values, task, count: int, seed: int):
    """Online and held-out accuracy `[values, lives]` of the learners `make(value)`; all
    live the same lives."""

    def one(value, key):
        task_key, life_key = jax.random.split(key)
        episode, learner = task.sample(task_key), make(value)
        life, state = live(learner, task, episode, life_key)
        return life.accuracy, test_accuracy(learner, state, episode)

    keys = jax.random.split(jax.random.key(seed), count)
    together = jax.vmap(one, (None, 0))
    each = jax.jit(lambda values: jax.lax.map(lambda v: together(v, keys), values))
    return tuple(np.asarray(accuracy) for accuracy in each(jnp.asarray(values)))


def find(objective: SparseQueryLoss, options) -> Float[Array, " terms"]:
    """The coefficients that Adam finds through whole lives."""
    meta = MetaBackprop("adam", options.meta_rate, options.steps, options.meta_lives)
    # The physiology of the cells is fixed by hand: only the coefficients are searched.
    first = pseudo_gradient(options.start)
    position = search.begin(objective, first, meta, jax.random.key(options.seed))
    for progress in search.search(objective, first, meta, position, options.steps, 10.0):
        position = progress.position
        accuracy = 100 * progress.accuracy.mean()
        print(f"  meta-step {progress.step:3d}  loss {progress.loss.mean():.3f}  "
              f"held-out accuracy {accuracy:5.1f}  {progress.seconds:.1f} s",
              flush=True)  # fmt: skip
    return position.theta


def show(name: str, paper: str, held_out, online, setting: str = "") -> None:
    """One row: means over the lives in percent, and the interval of the first."""
    interval = 196 * np.std(held_out, ddof=1) / np.sqrt(len(held_out))
    print(f"{name:34s}{paper:>10s} {100 * np.mean(held_out):8.1f} ± {interval:4.1f} "
          f"{100 * np.mean(online):8.1f}   {setting}".rstrip(), flush=True)  # fmt: skip


def table(task: ClassSubset, theta: Float[Array, " terms"], inputs: int, paper, options) -> float:
    """The found rule and its rivals in the lives of one task, all in the same hidden layers.

    Args:
        task: whose lives are lived.
        theta: coefficients of the found rule.
        inputs: input cells in its search; where they are others, the rule is lived by `FACTORS`
            as well.
        paper: figures of the paper by row, none for the rows that are not there.
        options: of the command line.

    Returns:
        Held-out accuracy of the found rule in [0, 1].
    """
    sizes = (task.inputs, *options.hidden, task.classes)
    random, symmetric = (anatomy(sizes, feedback) for feedback in ("random", "symmetric"))
    compare = functools.partial(lives, task=task, count=options.lives, seed=options.seed + 1)
    alone = [pseudo_gradient(rate) for rate in RATES]

    def tuned(name, rows, values, of: str) -> None:
        online, held_out = rows
        best = int(np.argmax(np.mean(held_out, 1)))
        note = f"best {of} {values[best]:.3g}"
        show(name, paper.get(name, ""), held_out[best], online[best], note)

    print(f"\n{task.name}; network {'-'.join(map(str, sizes))}")
    print(f"accuracy in %, {options.lives} lives        paper, about   held-out        online")
    rules = {
        "found rule": theta,
        "found rule, F0, F2 and F9 only": theta * np.isin(np.arange(len(TERMS)), KEPT),
    }
    by_random = functools.partial(with_pool, random)
    tuned("feedback alignment", compare(by_random, alone), RATES, "rate")
    online, held_out = compare(by_random, list(rules.values()))
    found = float(held_out[0].mean())
    for index, name in enumerate(rules):
        show(name, paper.get(name, ""), held_out[index], online[index])
    if task.inputs != inputs:
        slower = compare(by_random, [factor * theta for factor in FACTORS])
        tuned("found rule, times a factor", slower, FACTORS, "factor")
    rows = compare(functools.partial(with_pool, symmetric), alone)
    tuned("backprop, SGD, same network", rows, RATES, "rate")
    rows = compare(lambda rate: Backprop(sizes, "adam", rate, "tanh"), ADAM_RATES)
    tuned("backprop, Adam, tanh and biases", rows, ADAM_RATES, "rate")
    ends = (sizes[0], sizes[-1])
    ridges = [each * sizes[0] for each in RIDGES]
    rows = compare(lambda ridge: RecursiveLeastSquares(*ends, ridge), ridges)
    tuned("least squares", rows, ridges, "ridge")
    for name, learner in (
        ("nearest class mean", NearestClassMean(*ends)),
        ("nearest neighbor", NearestNeighbor(*ends, task.moments)),
    ):
        online, held_out = compare(lambda _, learner=learner: learner, [0.0])
        show(name, paper.get(name, ""), held_out[0], online[0])
    return found


def show_terms(task: ClassSubset, theta, whole: float, options) -> None:
    """What became of each term, and what the rule, whose held-out accuracy is `whole`, loses
    without it."""
    circuit = anatomy((task.inputs, *options.hidden, task.classes), "random")
    without = list(theta * (1 - np.eye(len(TERMS))))
    _, held_out = lives(
        functools.partial(with_pool, circuit), without, task, options.lives, options.seed + 1
    )
    print("\nterm                                   coefficient   points lost without it")
    rows = enumerate(zip(TERMS, NAMES, theta, held_out.mean(1), strict=True))
    for index, (term, name, coefficient, accuracy) in rows:
        kept = "   kept in the paper" if index in KEPT else ""
        shown = f"F{index}  {term:12s} {name}"
        print(f"{shown:40s} {coefficient:9.4f}   {100 * (whole - accuracy):10.1f}{kept}")


def others(names: str, moments: int) -> list[ClassSubset]:
    """Tasks whose names, with commas between them, `metaplast.tasks.named` knows.

    Raises:
        OSError, ValueError, ImportError: a name that it does not know, or data of which no such
            task can be made.
    """
    if names == NOWHERE:
        return []
    return [ClassSubset(named(name, moments), CLASSES, moments) for name in names.split(",")]


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    moments = options.moments
    try:
        carried = others(options.carry, moments)
    except (ValueError, OSError, ImportError) as fault:
        refuse(f"--carry {options.carry}: {fault}")
    searched, judged = (
        ClassSubset(digits(moments, split=split), CLASSES, moments) for split in ("search", "bench")
    )
    sizes = (judged.inputs, *options.hidden, CLASSES)
    print(f"network {'-'.join(map(str, sizes))}; {moments} examples of {CLASSES} classes; "
          f"starts as feedback alignment at rate {options.start}")  # fmt: skip
    theta = find(SparseQueryLoss(searched, anatomy(sizes, "random"), options.penalty, 16), options)
    whole = table(judged, theta, searched.inputs, PAPER, options)
    show_terms(judged, theta, whole, options)
    for task in carried:
        table(task, theta, searched.inputs, {}, options)
    print(f"\n{DEVIATIONS}\n\nwall time {time.perf_counter() - begun:.0f} s")


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.descent(120, 4, 0.0003)
    command.add_argument("--penalty", type=float, default=2.0, help="weight of the L1 norm")
    command.add_argument("--start", type=float, default=0.01, help="first coefficient of F0")
    command.compared(16)
    command.count("moments", 250, "examples in a life")
    command.several("hidden", "44,34,26,18", "cells of the hidden layers", int)
    command.add_argument(
        "--carry", default="mnist1d",
        help=f"other data to live, as `bench --data` names them, with commas, or {NOWHERE}",
    )  # fmt: skip
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
