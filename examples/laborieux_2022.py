"""Laborieux & Zenke (2022): nudges that go round a circle, and the exact gradient.

Holomorphic equilibrium propagation computes exact gradients through finite size oscillations.
NeurIPS 2022. arXiv:2209.00530

Equilibrium propagation compares a free equilibrium with a nudged one; what synapses learn from
it is the gradient only as far as the nudge is small. Where the energy has a derivative at complex
potentials, too, the nudge may oscillate on a circle in the complex plane, and the first Fourier
coefficient of what a synapse sees is the gradient of the free equilibrium, for a circle of finite
size as well.

    METAPLAST_DATA=folder python examples/laborieux_2022.py

prints how far the change of the weights is from the gradient, which autodiff takes of the same
equilibrium; then both sides of lives with that change: what the paper reports, and what was
measured just now.
"""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from beside import NO_SUCH, NOT_GIVEN, heading, last, lives, row, tuned
from command import Command, as_command, refuse
from jax.flatten_util import ravel_pytree

from metaplast.bench.statistics import interval
from metaplast.learners.backprop import Backprop
from metaplast.learners.equilibrium_propagation import EquilibriumPropagation
from metaplast.learners.nearest_class_mean import NearestClassMean
from metaplast.learners.perceptron import Perceptron
from metaplast.learners.standardized import Standardized
from metaplast.lifetime import live
from metaplast.tasks.named import named

NUDGES = (0.05, 0.1, 0.2, 0.3, 0.5)
POINTS = (4, 8, 16)
RATES = (0.008, 0.012, 0.018, 0.027, 0.04, 0.06, 0.09)
CONVERGED = 400
"""Steps after which the equilibrium has as many digits as float64."""

DEVIATIONS = """\
Deviations from the paper: lives of a few hundred examples, one at a time, each seen once; plain
layers without convolution; tanh, one rate for all layers, the squared error for the cross-entropy;
cells settle at every point of the circle (in the paper also while the nudge moves on).
The paper's 88.6 is the accuracy of its convolutional network on the whole of CIFAR-10, and nothing
that a network without convolution could reach after one short life.
A circle needs equilibria that are one holomorphic function of the nudge everywhere inside: the
larger it is, the more points it takes, and beyond the nearest nudge where two equilibria meet no
number helps.
Rates of all learners are the best of a grid of seven in hindsight, on the lives that are shown.
Differences are paired, life by life."""


def learner(sizes: tuple[int, ...], rate, nudge, **options) -> EquilibriumPropagation:
    """With as many steps for a nudged equilibrium as for a free one."""
    return EquilibriumPropagation(
        Perceptron(sizes, "tanh"), rate, nudge=jnp.asarray(nudge), **{"nudged": 30, **options}
    )


ESTIMATES: dict[str, dict[str, Any]] = {
    "from one side": {"centered": False},
    "from both sides": {},
    **{f"{points} points": {"points": points} for points in POINTS},
}
"""Options by the name of the estimate."""


def off(sizes: tuple[int, ...], task, moments: int, count: int, seed: int) -> np.ndarray:
    """Distance of the change from the gradient, over the length of the gradient.

    Args:
        sizes: of the network.
        task: who draws the examples.
        moments: of a life before the change is looked at; 0 for networks as born.
        count: births, each with a stimulus of its own.
        seed: of births and stimuli.

    Returns:
        `[estimates, nudges, births]`.
    """
    lived = Standardized(learner(sizes, 0.03, 0.2), sizes[0])

    def situation(key):
        """Weights, and a stimulus that they have not met."""
        task_key, life_key = jax.random.split(key)
        episode = task.sample(task_key)
        state = live(lived, task, episode, life_key)[1] if moments else lived.born(life_key)
        x = episode.test_stimuli[0]
        x = x - jnp.mean(episode.stimuli, 0)
        return state, x / jnp.sqrt(jnp.mean(x**2)), episode.test_targets[0]

    keys = jax.random.split(jax.random.key(seed), count)
    states, stimuli, targets = jax.jit(jax.vmap(situation))(keys)
    states = states.inner
    with jax.enable_x64(True):
        states, stimuli = jax.tree.map(
            lambda a: jnp.asarray(np.asarray(a, float)), (states, stimuli)
        )
        one = jnp.ones(())

        def gradient(state, x, target):
            exact = learner(sizes, one, one, free=CONVERGED)
            wanted = task.teach(exact.settled(state, x)[-1], target).signal
            wanted = jax.lax.stop_gradient(wanted)
            error = lambda s: jnp.sum((wanted - exact.settled(s, x)[-1]) ** 2) / 2  # noqa: E731
            return ravel_pytree(jax.grad(error)(state))[0]

        reference = jax.jit(jax.vmap(gradient))(states, stimuli, targets)
        size = jnp.linalg.norm(reference, axis=-1)
        assert float(size.min()) > 0, "nothing to compare with"

        def distances(options):
            def change(state, x, target, nudge):
                given = learner(sizes, one, nudge, free=CONVERGED, nudged=CONVERGED, **options)
                after, _ = given.moment(state, x, target, task)
                return ravel_pytree(after)[0] - ravel_pytree(state)[0]

            each = jax.vmap(jax.vmap(change, (0, 0, 0, None)), (None, None, None, 0))
            changes = jax.jit(each)(states, stimuli, targets, jnp.asarray(NUDGES))
            return np.asarray(jnp.linalg.norm(changes + reference, axis=-1) / size)

        return np.stack([distances(options) for options in ESTIMATES.values()])


def gradients(sizes, task, options) -> None:
    """The part about gradients."""
    for moments, name in ((0, "as born"), (options.moments, "after a life")):
        errors = off(sizes, task, moments, options.births, options.seed)
        print(
            f"\nrelative error of the gradient, network {name}: median of {options.births} births"
        )
        print(f"{'nudge':18s}" + "".join(f"{nudge:>10.2g}" for nudge in NUDGES))
        for estimate, error in zip(ESTIMATES, errors, strict=True):
            print(
                f"{estimate:18s}" + "".join(f"{e:10.1e}" for e in np.median(error, -1)), flush=True
            )


def compared(name: str, values: np.ndarray, against: np.ndarray) -> None:
    """One difference, with its 95 % interval over lives."""
    low, high = interval(values - against)
    print(f"{name:51s}{(values - against).mean():8.2f} [{low:.2f}, {high:.2f}]")


def table(name: str, task, hidden: tuple[int, ...], paper: str, scale: float, options) -> None:
    """Lives of all learners on one task: accuracy before learning. Rates are those of the grids
    times `scale`."""
    sizes = (task.inputs, *hidden, task.classes)
    seen = (task, options.lives, options.seed + 1)
    heading(f"online accuracy in %: {name}, {'-'.join(map(str, sizes))}")
    shown = {
        "from one side, a small nudge": (options.small, {"centered": False}, NOT_GIVEN),
        "from both sides, a small nudge": (options.small, {}, NOT_GIVEN),
        "from one side": (options.nudge, {"centered": False}, NOT_GIVEN),
        "from both sides": (options.nudge, {}, NOT_GIVEN),
        **{
            f"{points} points on a circle": (options.nudge, {"points": points}, paper)
            for points in options.points
        },
    }
    rates = [scale * rate for rate in RATES]
    online = {}
    for label, (nudge, how, figure) in shown.items():
        online[label], _, rate = tuned(
            lambda r, n=nudge, h=how: Standardized(learner(sizes, r, n, **h), sizes[0]),
            rates, *seen, online=True,
        )  # fmt: skip
        row(label, figure, online[label], f"nudge {nudge:g}, best rate {rate:.3g}")
    for optimizer, own in (("sgd", 1.0), ("adam", 0.1)):
        grid = [own * scale * 2.0**k / 100 for k in range(-1, 6)]
        best, _, rate = tuned(
            lambda r, o=optimizer: Standardized(Backprop(sizes, o, r, "tanh"), sizes[0]),
            grid, *seen, online=True,
        )  # fmt: skip
        row(f"backprop, {optimizer}", NOT_GIVEN, best, f"best rate {rate:.3g}")
    mean = Standardized(NearestClassMean(task.inputs, task.classes), task.inputs)
    row("nearest class mean", NO_SUCH, lives(mean, *seen)[0])
    most = f"{max(options.points)} points on a circle"
    for label in list(shown)[:4]:
        compared(f"{most}, less {label}", online[most], online[label])


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    hidden = (options.hidden,) * options.layers
    digits = named("digits", options.moments)
    sizes = (digits.inputs, *hidden, digits.classes)
    print(f"network {'-'.join(map(str, sizes))}, {options.moments} examples a life, "
          f"{options.lives} lives")  # fmt: skip
    judged = [("digits", digits, NOT_GIVEN, 1.0)]
    if options.tables > 1:
        # As many times smaller rates as there are more inputs, or they would all explode.
        judged.append(("CIFAR-10", _cifar10(options.moments), "88.6", 0.1))
    gradients(sizes, digits, options)
    for name, task, paper, scale in judged[: options.tables]:
        table(name, task, hidden, paper, scale, options)
    last(DEVIATIONS, begun)


def _cifar10(moments: int):
    try:
        return named("cifar10", moments)
    except (FileNotFoundError, ImportError) as error:
        refuse(f"{error} (--tables 1 does without)")


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.add_argument("--nudge", type=float, default=0.5, help="the large one, below 1")
    command.add_argument("--small", type=float, default=0.1, help="the small nudge")
    command.several("points", "4,12", "on the circle, comma-separated", int, least=2)
    command.count("hidden", 32, "cells of each hidden layer")
    command.count("layers", 2, "hidden layers")
    command.count("moments", 300, "examples in a life")
    command.count("births", 20, "networks whose gradient is looked at")
    command.compared(24)
    command.count("tables", 2, "1: without CIFAR-10; 0: without lives", least=0)
    options = command.parsed(arguments)
    for name in ("nudge", "small"):
        if not 0 < getattr(options, name) < 1:
            refuse(f"--{name} {getattr(options, name)}: expected more than 0 and less than 1")
    return options


if __name__ == "__main__":
    as_command(main)
