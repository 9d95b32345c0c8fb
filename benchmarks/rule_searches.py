"""Searches for a rule that no selection was trained on: other families, circuits and data."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from metaplast.circuits import decorrelating, layered, recurrent
from metaplast.network import Genome
from metaplast.neurons import Learned, Output, Rate, Settling
from metaplast.objective import Objective
from metaplast.rules import (
    ABCD,
    AntiHebb,
    Delta,
    Factored,
    SynapticGRU,
    SynapticMLP,
    TermPool,
)
from metaplast.search import searchable
from metaplast.tasks import Dataset, PairedAssociates, Teacher
from metaplast.tasks.named import named

INPUTS, HIDDEN, CLASSES, MOMENTS = 12, 6, 4, 30
POOL = 400
"""Pictures that lives are drawn from: to shuffle a whole file would cost more than the life."""


class RuleSearch(NamedTuple):
    """A start, and what any candidate's life costs it."""

    name: str
    about: str
    start: np.ndarray
    lived: Callable[..., jax.Array]
    """`(candidates [seeds, candidates, numbers], keys [seeds, candidates]) -> losses`, compiled;
    the worst loss of a guess, doubled, for a life that has none."""


def of(name: str, about: str, task, circuit, genome: Genome) -> RuleSearch:
    objective = Objective(task, circuit, segment=0)
    theta, fixed = eqx.partition(genome, searchable)
    start, unravel = ravel_pytree(theta)
    hopeless = 2 * float(np.log(task.classes))

    def loss(vector, key):
        lost = objective(eqx.combine(unravel(vector), fixed), key)[0]
        return jnp.where(jnp.isfinite(lost), jnp.minimum(lost, hopeless), hopeless)

    # One seed after the other: the weights of a generation's networks stay in a cache.
    lived = jax.jit(
        lambda vectors, keys: jax.lax.map(lambda g: jax.vmap(loss)(*g), (vectors, keys))
    )
    return RuleSearch(name, about, np.asarray(start), lived)


def pictures(data: str) -> Dataset:
    """The first classes of a file, its pictures projected at random (the same for all lives)."""
    full: Any = (
        named(data, MOMENTS, 1, split="all") if data == "digits" else named(data, MOMENTS, 1)
    )
    x, y = np.asarray(full.x_train), np.asarray(full.y_train)
    chosen = np.flatnonzero(y < CLASSES)[:POOL]
    random = np.random.default_rng(0).normal(size=(x.shape[1], INPUTS)) / np.sqrt(x.shape[1])
    x = x[chosen] - x[chosen].mean(0)
    x = x @ random / x.std()
    return Dataset(x, y[chosen], x[:1], y[chosen][:1], CLASSES, MOMENTS, 1, name=data)


def synaptic_mlp() -> RuleSearch:
    genome = Genome(
        {"input": Rate("linear"), "hidden": Rate(), "output": Output(rate=0.02)},
        {"forward": SynapticMLP(0.1, 6), "readout": SynapticMLP(0.1, 6, seed=1)},
    )
    task = pictures("digits")
    return of("SynapticMLP", "layered, digits", task, layered(INPUTS, (HIDDEN,), CLASSES), genome)


def term_pool() -> RuleSearch:
    genome = Genome(
        {"input": Rate("linear"), "hidden": Rate(), "output": Output(rate=0.02)},
        {"forward": TermPool(0.1), "readout": TermPool(0.1)},
    )
    task = pictures("fashion-mnist")
    return of(
        "TermPool", "layered, Fashion-MNIST", task, layered(INPUTS, (HIDDEN,), CLASSES), genome
    )


def abcd() -> RuleSearch:
    genome = Genome(
        {"input": Rate("linear"), "hidden": Rate(), "output": Output(rate=0.02)},
        {"forward": ABCD(0.1), "recurrent": ABCD(0.1), "readout": Delta(0.3)},
    )
    task = PairedAssociates(INPUTS, CLASSES, MOMENTS, pairs=5, held_out=1)
    return of(
        "ABCD", "recurrent, paired associates", task, recurrent(INPUTS, (HIDDEN,), CLASSES), genome
    )


def synaptic_gru() -> RuleSearch:
    genome = Genome(
        {"input": Rate("linear"), "hidden": Rate(), "output": Output(rate=0.02)},
        {"forward": SynapticGRU(0.1, 2), "readout": SynapticGRU(0.1, 2, seed=1)},
    )
    task = Teacher(INPUTS, CLASSES, MOMENTS, held_out=1, hidden=8)
    return of("SynapticGRU", "layered, teacher", task, layered(INPUTS, (HIDDEN,), CLASSES), genome)


def lateral() -> RuleSearch:
    genome = Genome(
        {
            "input": Rate("linear"),
            "hidden": Learned(Settling(), width=4),
            "output": Output(rate=0.02),
        },
        {
            "forward": Factored((0.1, 0.0)),
            "lateral": AntiHebb(0.01),
            "readout": Factored((0.1, 0.0)),
        },
    )
    task = pictures("mnist")
    circuit = decorrelating(INPUTS, (HIDDEN,), CLASSES, "random", rounds=1)
    return of("Learned cells, AntiHebb", "decorrelating, MNIST", task, circuit, genome)


SEARCHES = {
    "abcd": abcd,
    "synaptic_mlp": synaptic_mlp,
    "term_pool": term_pool,
    "synaptic_gru": synaptic_gru,
    "lateral": lateral,
}


@functools.cache
def search_of(name: str) -> RuleSearch:
    return SEARCHES[name]()
