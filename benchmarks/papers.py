"""Hand-designed rules on the task of their papers: all of MNIST, several times over.

    METAPLAST_DATA=folder python benchmarks/papers.py [--passes 3] [--only NAME ...] \
        [--write docs/papers.md]

Networks are about as wide and deep as the papers', where a line does not say otherwise. Everybody
learns 60 000 images one at a time, in an order drawn anew for every pass, at a rate that falls to
zero; the first rate is the one that names most of 6000 training images after 12 000 others, on a
grid that grows until it lies inside, or the next smaller one if weights explode or all is
forgotten later. Then the 10 000 test images are asked once a pass. What is done is kept in
`--kept`, a file a rule; rows of rules that are not there stay on the page as they were.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from section import put, say, table

from metaplast.bench.protocol import task_of
from metaplast.learners.backprop import Backprop
from metaplast.learners.dendritic_microcircuit import DendriticMicrocircuit
from metaplast.learners.difference_target_propagation import DifferenceTargetPropagation
from metaplast.learners.equilibrium_propagation import EquilibriumPropagation
from metaplast.learners.feedback_alignment import direct_feedback_alignment, feedback_alignment
from metaplast.learners.forward_forward import ForwardForward
from metaplast.learners.kolen_pollack import KolenPollack
from metaplast.learners.pepita import Pepita
from metaplast.learners.perceptron import Perceptron
from metaplast.learners.predictive_coding import PredictiveCoding
from metaplast.learners.sign_symmetric import SignSymmetric
from metaplast.learners.weight_mirror import WeightMirror
from metaplast.lifetime import Learner
from metaplast.tasks.folder import find

CHUNK = 3000
"""Images that are learned at one rate."""
SHORT = 4
"""Chunks that a rate is chosen by."""
LOST = 80.0
"""Test error in % above which nothing is left of what was learned; chance errs in 90."""
JUDGES = 6000
"""Training images that the rate is chosen by; they are learned afterwards, too."""


Make = Callable[[tuple[int, ...], float], Learner]
"""A learner with the given sizes of its layers, input and output among them, and rate."""


class Paper(NamedTuple):
    """A rule, its network, and what its paper tells."""

    make: Make
    hidden: tuple[int, ...]
    phi: str
    """Nonlinearity, for backprop in the same network."""
    told: str
    """Test error in %."""
    most: float | None
    """The largest of these, that ours is compared with; None: backprop's in the same network."""
    apart: str
    """Where ours differs, beside what its docstring says."""
    longer: int = 1
    """How many times as many passes as the others it takes, for a rule that learns slowly."""


RATES = (10**-3, 10**-2.5, 10**-2)
"""Where the grid begins."""
QUOTED = "1.6 to 2.4 (as summed up by Sacramento et al. 2018)"
AS_BACKPROP = "as backprop"
PAPERS: dict[str, Paper] = {
    "feedback_alignment": Paper(
        lambda sizes, rate: feedback_alignment(sizes[0], sizes[1:-1], sizes[-1], jnp.asarray(rate)),
        (1000,), "tanh", QUOTED, 2.4, "",
    ),
    "direct_feedback_alignment": Paper(
        lambda sizes, rate: direct_feedback_alignment(
            sizes[0], sizes[1:-1], sizes[-1], jnp.asarray(rate)
        ),
        (800, 800), "tanh", QUOTED, 2.4, "",
    ),
    "difference_target_propagation": Paper(
        lambda sizes, rate: DifferenceTargetPropagation(Perceptron(sizes, "tanh"), rate),
        (240,) * 7, "tanh", QUOTED, 2.4, "",
    ),
    "equilibrium_propagation": Paper(
        lambda sizes, rate: EquilibriumPropagation(Perceptron(sizes, "tanh"), rate, hard=True),
        (500,), "tanh", "2 to 3", 3.0, "",
    ),
    "dendritic_microcircuit": Paper(
        lambda sizes, rate: DendriticMicrocircuit(
            Perceptron(sizes, "tanh"), rate, pull=2.0, undo=1.0
        ),
        (250, 250), "tanh", "1.96", 1.96, "two layers of 500 logistic cells there",
        longer=2,
    ),
    "pepita": Paper(
        lambda sizes, rate: Pepita(Perceptron(sizes, "relu"), rate),
        (1024,), "relu", "1.99", 1.99, "momentum and dropout there",
    ),
    "forward_forward": Paper(
        lambda sizes, rate: ForwardForward(sizes[0], sizes[1:-1], sizes[-1], rate, 6.0),
        (1000, 1000), "relu", "1.36", 1.36,
        "four layers of 2000 and 60 passes there", longer=2,
    ),
    "sign_symmetric": Paper(
        lambda sizes, rate: SignSymmetric(Perceptron(sizes, "tanh"), rate),
        (500,), "tanh", AS_BACKPROP, None, "uSF; convolution and batch normalization there",
    ),
    "sign_symmetric_random": Paper(
        lambda sizes, rate: SignSymmetric(Perceptron(sizes, "tanh"), rate, "batch_random"),
        (500,), "tanh", AS_BACKPROP, None, "brSF; convolution and batch normalization there",
    ),
    "weight_mirror": Paper(
        lambda sizes, rate: WeightMirror(Perceptron(sizes, "tanh"), rate),
        (500,), "tanh", AS_BACKPROP, None, "ImageNet there, this network in the authors' code",
    ),
    "kolen_pollack": Paper(
        lambda sizes, rate: KolenPollack(Perceptron(sizes, "tanh"), rate, decay=1e-5),
        (500,), "tanh", AS_BACKPROP, None, "ImageNet there, this network in the authors' code",
    ),
    "predictive_coding": Paper(
        lambda sizes, rate: PredictiveCoding(Perceptron(sizes, "tanh"), rate, variance=10.0),
        (600, 600), "tanh", AS_BACKPROP, None, "logistic, Gaussian output there; variance 10 here",
    ),
}  # fmt: skip
STEP = 10**0.5
"""Between two rates."""
TOLERANCE = 2.0
"""Points that ours may be worse than the paper's, after a fraction of its passes."""


SPLITS = ("train", "test")


class Images(NamedTuple):
    """All of MNIST; pictures `[examples, 784]` in [0, 1]."""

    x: jax.Array
    y: jax.Array
    x_test: jax.Array
    y_test: jax.Array


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passes", type=int, default=3, help="over all images")
    parser.add_argument("--only", nargs="+", default=list(PAPERS), choices=PAPERS, metavar="NAME")
    parser.add_argument("--kept", type=Path, default=Path("runs/papers"))
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    given = parser.parse_args()
    images = mnist()
    given.kept.mkdir(parents=True, exist_ok=True)
    passes = {name: paper.longer * given.passes for name, paper in PAPERS.items()}
    kept = {name: given.kept / f"{name}-{passes[name]}.json" for name in PAPERS}
    for name in given.only:
        if not kept[name].exists():
            result = measured(name, PAPERS[name], images, passes[name])
            kept[name].write_text(json.dumps(result))
    done = {n: json.loads(path.read_text()) for n, path in kept.items() if path.exists()}
    lines = page(done, told_before(given.write) if given.write else {})
    print("\n".join(lines))
    if given.write:
        put(given.write, lines)


def told_before(write: Path) -> dict[str, list[str]]:
    """Rows of the page as it is, by rule."""
    rows = [line[2:-2].split(" | ") for line in write.read_text().splitlines()]
    return {row[0]: row for row in rows if row[0] in PAPERS and len(row) > 1}


def mnist() -> Images:
    with np.load(find("mnist")) as parts:
        x, x_test = (parts[f"x_{s}"].reshape(-1, 784).astype("float32") / 255 for s in SPLITS)
        y, y_test = (parts[f"y_{s}"].astype("int32") for s in SPLITS)
    return Images(*map(jnp.asarray, (x, y, x_test, y_test)))


def measured(name: str, paper: Paper, images: Images, passes: int) -> dict[str, Any]:
    """Errors in %, of the rule and of backprop in its network."""
    sizes = (784, *paper.hidden, 10)

    def rule(rate: float) -> Learner:
        return paper.make(sizes, rate)

    def backprop(rate: float) -> Learner:
        return Backprop(sizes, "sgd", rate, paper.phi)

    ours = trained(name, rule, images, passes)
    theirs = trained(f"{name}: backprop", backprop, images, passes)
    return {"rule": ours, "backprop": theirs}


def trained(
    name: str, make: Callable[[float], Learner], images: Images, passes: int
) -> dict[str, Any]:
    """The rate that was chosen, and the test error after every pass."""
    begun = time.perf_counter()
    rate = tuned(lambda rate: pilot(make, rate, images))
    while (errors := lived(name, make, rate, images, passes)) is None:
        rate /= STEP
    return {"rate": rate, "errors": errors, "seconds": round(time.perf_counter() - begun)}


def lived(
    name: str, make: Callable[[float], Learner], rate: float, images: Images, passes: int
) -> list[float] | None:
    """The test error after every pass; None if it explodes, or forgets everything."""
    errors, each = [], len(images.x) // CHUNK
    for number, (learner, state) in enumerate(course(make, rate, images, passes * each), 1):
        if number % each == 0:
            if not all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(state)):
                say(f"{name}, rate {rate:.2g}: explodes")
                return None
            errors.append(100 * float(wrong(learner, state, images.x_test, images.y_test)))
            say(f"{name}, rate {rate:.2g}, pass {len(errors)}: {errors[-1]:.2f} %")
            if errors[-1] > LOST:
                return None
    return errors


def course(
    make: Callable[[float], Learner], rate: float, images: Images, chunks: int
) -> Iterator[tuple[Learner, Any]]:
    """The learner and its state after every chunk of training images, the rate falling to zero."""
    state, random = make(rate).born(jax.random.key(0)), np.random.default_rng(0)
    each = len(images.x) // CHUNK
    for number in range(chunks):
        if number % each == 0:
            order = random.permutation(each * CHUNK).reshape(each, CHUNK)
        learner = make(rate * (1 - number / chunks))
        key = jax.random.fold_in(jax.random.key(1), number)
        picked = jnp.asarray(order[number % each])
        state = learned(learner, state, images.x, images.y, picked, key)
        yield learner, state


def tuned(merit: Callable[[float], float]) -> float:
    """The best rate of a grid that grows by half decades until its best one lies inside."""
    known = {rate: merit(rate) for rate in RATES}
    while True:
        best = max(known, key=lambda rate: known[rate])
        if min(known) < best < max(known):
            return best
        further = best / STEP if best == min(known) else best * STEP
        known[further] = merit(further)


def pilot(make: Callable[[float], Learner], rate: float, images: Images) -> float:
    """Share of the last training images that is named after a short course on others."""
    others = Images(images.x[:-JUDGES], images.y[:-JUDGES], images.x_test, images.y_test)
    *_, (learner, state) = course(make, rate, others, SHORT)
    return 1 - float(wrong(learner, state, images.x[-JUDGES:], images.y[-JUDGES:]))


@eqx.filter_jit
def learned(learner, state, x, y, picked, key):
    """One image after the other."""
    task = task_of("digits", 1)  # who teaches: the label, whatever the picture

    def moment(state, numbered):
        number, at = numbered
        own = jax.random.fold_in(key, number)
        return learner.moment(state, x[at], y[at], task, own)[0], None

    return jax.lax.scan(moment, state, (jnp.arange(len(picked)), picked))[0]


@eqx.filter_jit
def wrong(learner, state, x, y):
    """Share that is named wrong."""

    def named(image):
        return jnp.argmax(learner.predict(state, image))

    return jnp.mean(jax.lax.map(named, x, batch_size=100) != y)


def page(done: dict[str, Any], before: dict[str, list[str]]) -> list[str]:
    """The table: rules that were lived, and rows of others from before."""
    rows = {**before, **{name: row_of(name, result) for name, result in done.items()}}
    header = (
        "rule", "network", "paper, %", "passes", "ours, %", "backprop there, %", "rate",
        f"within {TOLERANCE:g} points", "",
    )  # fmt: skip
    lines = table(header, [rows[name] for name in PAPERS if name in rows])
    missing = [name for name in PAPERS if name not in rows]
    return lines + (["", f"Not lived yet: {', '.join(missing)}."] if missing else [])


def row_of(name: str, result: dict[str, Any]) -> list[str]:
    """What became of one rule, and whether that is within tolerance."""
    paper, errors = PAPERS[name], result["rule"]["errors"]
    error, theirs = errors[-1], result["backprop"]["errors"][-1]
    within = error <= (theirs if paper.most is None else paper.most) + TOLERANCE
    return [
        name, "-".join(map(str, (784, *paper.hidden, 10))), paper.told,
        str(len(errors)), f"{error:.2f}", f"{theirs:.2f}", f"{result['rule']['rate']:g}",
        "yes" if within else "**no**", paper.apart,
    ]  # fmt: skip


if __name__ == "__main__":
    main()
