"""One network that looks at patches of pictures, under several rules: what two examples share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, heading, row
from command import Command, refuse

from metaplast.bench.statistics import paired
from metaplast.circuits import Circuit
from metaplast.lifetime import live, test_accuracy
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.positive import Positive
from metaplast.rules import Delta
from metaplast.tasks import Dataset, image_folder, named
from metaplast.tasks.folder import find

COLORS = {"cifar10": 3}
"""Channels of the pictures of a data set, where there are several."""
FIRST = "backprop"
"""Whom the others are compared with."""


class Rule(NamedTuple):
    """A row of the table."""

    paper: Mapping[str, str]
    """Error in percent by the name of the data set or of its folder, as the paper gives it."""
    learner: Callable[[Any], Any]
    """Of a learning rate."""


def folder(data: str) -> Path | None:
    """The folder of pictures in class folders that a path or a name in METAPLAST_DATA means."""
    try:
        path = find(data)
    except FileNotFoundError:
        return None
    return path if path.is_dir() and any(part.is_dir() for part in path.iterdir()) else None


def channels(data: str) -> int:
    """Input cells at each place."""
    return 3 if folder(data) else COLORS.get(data, 1)


def pictures(data: str, options, split: str) -> Dataset:
    """A data set whose channels have mean zero and variance one over its train pool."""
    if path := folder(data):
        task = image_folder(path, options.size, True, options.moments, options.held_out, split)
    else:
        task = named(data, options.moments, options.held_out, split)
    if not isinstance(task, Dataset):
        raise ValueError(f"data = {data!r}: expected pictures, such as cifar10, mnist or digits")
    x = task.x_train.reshape(-1, channels(data))
    mean, deviation = jnp.mean(x, 0), jnp.std(x, 0)

    def standard(pool):
        return ((pool.reshape(-1, channels(data)) - mean) / deviation).reshape(pool.shape)

    pools = (standard(task.x_train), standard(task.x_test))
    return eqx.tree_at(lambda t: (t.x_train, t.x_test), task, pools)


def delta_rule(circuit: Circuit, rate, nonlinearity: str, deep: bool = True) -> PlasticNetwork:
    """The delta rule in a circuit.

    Args:
        circuit: who hears whom; with symmetric feedback this is gradient descent.
        rate: of the synapses and of the biases of the output cells.
        nonlinearity: of hidden cells, which have no bias.
        deep: whether synapses onto hidden cells learn.
    """
    rate = Positive(jnp.log(rate))
    cells = {
        "input": Rate("linear"), "hidden": Rate(nonlinearity), "output": Output("softmax", rate),
    }  # fmt: skip
    kinds = ("forward", "readout") if deep else ("readout",)
    return PlasticNetwork(circuit, Genome(cells, {kind: Delta(rate) for kind in kinds}))


def compare(data: str, rules: Mapping[str, Rule], options) -> None:
    """A table of errors in percent, each rule at the rate that is best on other pictures.

    Rates are chosen in lives of the part `search` of the train pool, and judged by a part of it
    that these lives do not see; what is shown are lives of the rest, judged by the test pool.
    """
    tasks = [pictures(data, options, split) for split in ("search", "bench")]
    counts = (options.tuning, options.lives)
    tuning, shown = (
        list(_episodes(task, count, options.seed + number))
        for number, (task, count) in enumerate(zip(tasks, counts, strict=True))
    )
    heading(f"error in % on held-out pictures: {data}")
    first = None
    for name, rule in rules.items():

        def errors(rate: float, episodes, rule=rule):
            learner = rule.learner(jnp.asarray(rate))
            return np.asarray([100 * _error(learner, tasks[0], *one) for one in episodes])

        scores = [errors(rate, tuning).mean() for rate in options.rates]
        best = int(np.argmin(scores))
        error = errors(options.rates[best], shown)
        first = error if name == FIRST else first
        edge = ", the edge" if best in (0, len(scores) - 1) else ""
        note = f"rate {options.rates[best]:g}{edge}"
        row(
            name,
            rule.paper.get(Path(data).name, NOT_GIVEN),
            error,
            f"{note:22s}{_behind(error, first)}".rstrip(),
        )


def _episodes(task: Dataset, count: int, seed: int):
    """Pictures of `count` lives, and their keys."""
    sample = eqx.filter_jit(task.sample)
    for key in jax.random.split(jax.random.key(seed), count):
        task_key, life_key = jax.random.split(key)
        yield sample(task_key), life_key


@eqx.filter_jit
def _error(learner, task, episode, key):
    """Share of the held-out pictures that are misnamed after a life. Life by life, for a product
    of matrices that differ from life to life takes a processor twice as long; compiled once for all
    lives of a rule, for the teacher and the number of pictures are the same in all."""
    _, state = live(learner, task, episode, key)
    return 1.0 - test_accuracy(learner, state, episode)


def _behind(error, first) -> str:
    """Paired difference to the first rule, with its 95 % interval over lives."""
    if first is None or error is first:
        return ""
    found = paired("", FIRST, error, first)
    low, high = found["ci"]
    return f"   {found['difference']:+6.2f} [{low:+.2f}, {high:+.2f}]"


def command(doc: str | None, data: str, hidden: str, rates: str, moments: int) -> Command:
    """Options that both examples have."""
    parser = Command(doc)
    parser.add_argument(
        "--data", default=data,
        help="names of data sets, or folders of pictures in class folders, with commas",
    )  # fmt: skip
    parser.count("size", 32, "side in pixels to which the pictures of a folder are brought")
    parser.several("hidden", hidden, "cells at each place, by layer", int)
    parser.count("patch", 5, "side of a receptive field")
    parser.count("stride", 2, "places from one to the next")
    parser.count("moments", moments, "pictures in a life")
    parser.count("held-out", 1000, "test pictures of a life")
    parser.several("rates", rates, "learning rates to choose from")
    parser.count("tuning", 1, "lives for each choice")
    parser.compared(4)
    return parser


def run(parser: Command, arguments, rules_of) -> None:
    """Read the options and print a table for each data set; bad input is one line and code 2.

    Args:
        parser: as `command` makes it.
        arguments: of the command line.
        rules_of: `(data, inputs, classes, options) -> rules`.
    """
    options = parser.parsed(arguments)
    try:
        for data in options.data.split(","):
            task = pictures(data, options, "bench")
            compare(data, rules_of(data, task.inputs, task.classes, options), options)
    except (ValueError, OSError, ImportError) as fault:
        refuse(str(fault))
