"""Which family of learned rules finds what? The same network, start and lives for each.

    python benchmarks/families.py                             # what is missing, then the tables
    python benchmarks/families.py --only TermPool --seeds 1
    python benchmarks/families.py --write docs/families.md

Every family begins where it learns as feedback alignment does, or as near to that as it can, and
spends the same number of lives of one outer loop, backprop through whole lives. What it finds lives
data that no search saw beside tuned rivals. Every search is stored as it ends, in `runs/families`,
and not repeated.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from section import put, say, table

from metaplast.bench.entry import entry
from metaplast.bench.living import Arena
from metaplast.bench.statistics import paired
from metaplast.circuits import layered
from metaplast.learner_loss import LearnerLoss
from metaplast.learners.bidirectional import Bidirectional
from metaplast.learners.candidate import Candidate, fixed, is_backprop
from metaplast.learners.message_passing import MessagePassing
from metaplast.learners.registry import build
from metaplast.lifetime import Learner
from metaplast.meta import Backprop
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Learned, Output, Rate, Sensory
from metaplast.rules import (
    ABCD,
    AbstractRule,
    Delta,
    Factored,
    Polynomial,
    SynapticGRU,
    SynapticMLP,
    TermPool,
)
from metaplast.search import begin, found, search, searchable
from metaplast.tasks import RandomProjection, digits
from metaplast.tasks.named import named

HIDDEN, MOMENTS, INPUTS = (32, 32), 200, 64
STEPS, LIVES = 400, 8
"""Meta-steps of a search, and lives in each."""
RATES = (0.003, 0.01, 0.03, 0.1)
"""Of Adam outside. The one whose last meta-steps have the lowest loss counts."""
LAST = 50
START = 0.03
"""Rate of every rule at birth."""
NEAR = 0.003
"""How far a bidirectional rule begins from a point at which its states are alike."""
JUDGED = 32
DATA = ("digits", "mnist1d", "mnist", "fashion-mnist")
"""What is lived in the end, where it is there."""
RIVALS = (
    "feedback_alignment", "backprop", "nearest_class_mean", "recursive_least_squares",
    "nearest_neighbor",
)  # fmt: skip
STORE = Path("runs/families")
Sizes = tuple[int, ...]


class Family(NamedTuple):
    """A family of rules in a network."""

    born: Callable[[Sizes], Learner]
    """Where the search begins, in a network of such sizes."""
    about: str


def _cells() -> dict[str, Any]:
    return {
        "input": Sensory(), "hidden": Rate("tanh"), "output": Output(error="softmax", rate=0.02)
    }  # fmt: skip


def _learned() -> dict[str, Any]:
    cells = _cells()
    return {
        **cells, "hidden": Learned(cells["hidden"], seed=10),
        "output": Learned(cells["output"], seed=20),
    }  # fmt: skip


def _in_layers(
    forward: Callable[[], AbstractRule],
    readout: Callable[[], AbstractRule] | None = None,
    cells: Callable[[], dict[str, Any]] = _cells,
) -> Callable[[Sizes], Learner]:
    """Layers with fixed random feedback, whose synapses have these rules."""

    def born(sizes: Sizes) -> Learner:
        circuit = layered(sizes[0], sizes[1:-1], sizes[-1], feedback="random")
        return PlasticNetwork(
            circuit, Genome(cells(), {"forward": forward(), "readout": (readout or forward)()})
        )

    return born


def _bidirectional(sizes: Sizes) -> Learner:
    """Near the point of the family that is feedback alignment without slopes: at that point two
    states are alike, and so are their derivatives."""
    point = Bidirectional.delta(sizes, START)
    other = Bidirectional(sizes, rate=START, told=point.told)
    names = ("up", "down", "pre", "post")
    mixed = [getattr(point, name) + NEAR * getattr(other, name) for name in names]
    return eqx.tree_at(lambda b: [getattr(b, name) for name in names], point, mixed)


FAMILIES: dict[str, Family] = {
    "Factored, learned cells": Family(
        _in_layers(lambda: Factored((START,)), cells=_learned),
        "decisions of every hidden and output cell; begins at feedback alignment",
    ),
    "Factored": Family(
        _in_layers(lambda: Factored((START,))),
        "two rates and two leaks; begins at feedback alignment",
    ),
    "TermPool": Family(
        _in_layers(lambda: TermPool(START)), "ten terms; begins at feedback alignment"
    ),
    "Polynomial": Family(
        _in_layers(lambda: Polynomial(START)),
        "third order in four squashed factors; begins at the delta rule of these",
    ),
    "ABCD": Family(
        _in_layers(lambda: ABCD(START), lambda: Delta(START)),
        "hidden synapses hear no error: begins as Hebb under a readout by the delta rule",
    ),
    "SynapticMLP": Family(
        _in_layers(lambda: SynapticMLP(START)),
        "a network of 8 units in every synapse; begins at feedback alignment",
    ),
    "SynapticGRU": Family(
        _in_layers(lambda: SynapticGRU(START)),
        "a memory of 3 states in every synapse; begins at feedback alignment",
    ),
    "Bidirectional": Family(
        _bidirectional,
        "cells and synapses of two states; begins near feedback alignment without slopes",
    ),
    "MessagePassing": Family(
        lambda sizes: MessagePassing(sizes, rate=START),
        "two channels both ways, two states in every synapse; begins at backprop: **weight "
        "transport**",
    ),
}
ABSENT = (
    "Not in the table: `LearnedFeedback` (Lindsey & Litwin-Kumar), whose genome holds the first "
    "weights of one network and fits no other; `TraceKernel`, which is for cells that spike "
    "(`examples/gerstner_2018.py`); rules without a teacher whose features a readout is fitted to "
    "(`examples/metz_2019.py`). Their experiments are among the [examples](examples.md)."
)


def sizes_of(inputs: int, classes: int) -> Sizes:
    return (inputs, *HIDDEN, classes)


def numbers(learner: Learner) -> int:
    """How many numbers a search may move."""
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(learner, searchable)))


def searched(family: str, rate: float, seed: int) -> tuple[Learner, list[float]]:
    """What one search finds, in the network that it lived in, and the loss of every meta-step."""
    task = RandomProjection(digits(MOMENTS, split="search"), INPUTS)
    first = FAMILIES[family].born(sizes_of(task.inputs, task.classes))
    path = STORE / f"{family} {rate:g} {seed}.npz"
    if path.exists():
        kept = np.load(path)
        leaves, form = jax.tree.flatten(eqx.filter(first, searchable))
        theta = jax.tree.unflatten(form, [jnp.asarray(kept[str(i)]) for i in range(len(leaves))])
        return eqx.combine(theta, first), kept["losses"].tolist()
    say(f"families: {family}, rate {rate:g}, seed {seed}")
    objective, meta = LearnerLoss(task, "life"), Backprop("adam", rate, STEPS, LIVES)
    position, losses = begin(objective, first, meta, jax.random.key(seed)), []
    for progress in search(objective, first, meta, position, STEPS):
        position = progress.position
        losses += np.asarray(progress.loss, float).tolist()
    leaves = jax.tree.leaves(position.theta)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, losses=losses, **{str(i): np.asarray(leaf) for i, leaf in enumerate(leaves)})
    return found(first, position), losses


def best(family: str, seed: int) -> tuple[Learner, float]:
    """What the search found whose last meta-steps had the lowest loss, and its rate."""
    each = {rate: searched(family, rate, seed) for rate in RATES}
    last = {rate: float(np.mean(losses[-LAST:])) for rate, (_, losses) in each.items()}
    rate = min(last, key=lambda rate: last[rate] if np.isfinite(last[rate]) else np.inf)
    return each[rate][0], rate


def at(sizes: Sizes, family: str, learner: Learner) -> Learner:
    """The found numbers in a network of other sizes."""
    theta, rest = eqx.partition(FAMILIES[family].born(sizes), searchable)
    leaves = jax.tree.leaves(eqx.filter(learner, searchable))
    return eqx.combine(jax.tree.unflatten(jax.tree.structure(theta), leaves), rest)


class Judged(NamedTuple):
    """Online accuracy `[lives]` in the same lives, by name."""

    title: str
    found: dict[str, list[np.ndarray]]
    """Of every search."""
    starts: dict[str, np.ndarray]
    rivals: dict[str, np.ndarray]
    """Each tuned on these very lives."""


def judged(data: str, chosen: dict[str, list[Learner]]) -> Judged:
    """The comparison of all that was found with all starts, and with rivals."""
    task = named(data, MOMENTS)
    sizes = sizes_of(task.inputs, task.classes)
    arena = Arena(task, seed=0)
    say(f"families: {data}")

    def lived(row: Candidate) -> np.ndarray:
        return entry(row, arena, JUDGED).by_life["online"]

    rivals = [
        row for name in RIVALS for row in build(name, task.inputs, HIDDEN, task.classes, MOMENTS)
    ]
    return Judged(
        str(getattr(task, "name", data)),
        {
            family: [lived(fixed(family, at(sizes, family, learner))) for learner in learners]
            for family, learners in chosen.items()
        },
        {family: lived(fixed(family, FAMILIES[family].born(sizes))) for family in chosen},
        {row.name: lived(row) for row in rivals},
    )


def lines_of(result: Judged) -> list[str]:
    """One table: what each family found, and the rivals."""
    backprop = {name: lives for name, lives in result.rivals.items() if is_backprop(name)}
    oracle = max(backprop, key=lambda name: backprop[name].mean())
    rows = []
    for family, each in result.found.items():
        start = result.starts[family]
        rows.append([
            f"`{family}`", ", ".join(f"{lives.mean():.3f}" for lives in each),
            f"{start.mean():.3f}", minus(each[0], start), minus(each[0], backprop[oracle]),
        ])  # fmt: skip
    for name, lives in result.rivals.items():
        less = "" if name == oracle else minus(lives, backprop[oracle])
        rows.append([f"*{name}*", f"{lives.mean():.3f}", "", "", less])
    header = ("family, or *rival*", "accuracy (each search)", "of its start",
              "minus its start [95 %]", f"minus {oracle} [95 %]")  # fmt: skip
    rows.sort(key=lambda row: -float(row[1].partition(",")[0]))
    return [f"### {result.title}, {MOMENTS} moments", "", *table(header, rows), ""]


def minus(ours: np.ndarray, theirs: np.ndarray) -> str:
    """The mean difference, life by life, and its interval."""
    pair = paired("", "", ours, theirs)
    low, high = pair["ci"]
    return f"{pair['difference']:+.3f} [{low:.3f}, {high:.3f}]"


def described(chosen: dict[str, list[tuple[Learner, float]]]) -> list[str]:
    """What each family is, and which rate was taken."""
    rows = [
        [
            f"`{family}`", FAMILIES[family].about, str(numbers(found_each[0][0])),
            ", ".join(f"{rate:g}{edge(rate)}" for _, rate in found_each),
        ]
        for family, found_each in chosen.items()
    ]  # fmt: skip
    return table(("family", "what it is", "numbers", "outer rate (each search)"), rows)


def edge(rate: float) -> str:
    """A word where a rate beyond those tried might be better."""
    return ", on the edge" if rate in (RATES[0], RATES[-1]) else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--seeds", type=int, default=2, help="searches of every family and rate")
    parser.add_argument("--write", type=Path, help="put the tables into this page")
    given = parser.parse_args()
    chosen = {family: [best(family, seed) for seed in range(given.seeds)] for family in given.only}
    found_each = {family: [learner for learner, _ in each] for family, each in chosen.items()}
    kept = []
    for data in DATA:
        try:
            kept += lines_of(judged(data, found_each))
        except FileNotFoundError as fault:
            say(f"families: {fault}")
    lines = [
        f"Each search: {STEPS} meta-steps of {LIVES} lives of {MOMENTS} digits, projected at "
        f"random; networks with hidden layers {list(HIDDEN)}; seeds {list(range(given.seeds))}, "
        f"each at the best of the outer rates {list(RATES)} by its own last losses.",
        "", *described(chosen), "", ABSENT, "",
        f"Online accuracy, mean of {JUDGED} lives that no search saw; differences are paired, of "
        "the first search. Rivals are tuned in hindsight on these lives.", "", *kept,
    ]  # fmt: skip
    print("\n".join(lines))
    if given.write:
        put(given.write, lines)


if __name__ == "__main__":
    main()
