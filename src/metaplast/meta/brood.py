"""A population from one generation to the next: what a selection network decides becomes of it.

Genomes are copied, mixed and mutated; never read. Where all corrections of the network are zero
this is an evolution strategy with recombination of all candidates by their normal scores,
cumulative step-size adaptation, mutation sizes of single genes, and mutations at right angles.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from jaxtyping import Array, Float, Int

from metaplast.meta.selection_network import Pace, SelectionNetwork
from metaplast.types import Key

Spread = float | Float[Array, ""]
"""Standard deviation; drawn, where a selection is trained."""

SHARING = 4
"""Candidates that live the same lives."""
TURNED = 64
"""Most mutations at right angles to each other."""
VARIED = 0.3
"""Standard deviation of the log of single candidates' mutation sizes."""
REMEMBERED = (0.5, 0.1)
"""How much of the paths is new in each generation."""
KEPT = 0.7
"""How much of a candidate's record comes from the generations before."""
STRIDE, VOTES, GENES, DRIFT = 1.5, 0.05, 0.5, -2.0
"""Constants of the strategy without corrections (`benchmarks/selection.py` shows how it does)."""
FASTEST = 0.4
"""Most that the log of mutation sizes changes in a generation."""
GROWN, SHRUNK = 1.0, -6.0
"""Most and least that the log of all mutation sizes may become. Losses of lives have cliffs, and
behind them selection is blind: whoever grows without bounds never comes back
(`docs/lab-notes.md`)."""
LARGEST = 5.0
"""Most that the log of a gene's mutation size differs from the mean."""


class Brood(NamedTuple):
    """A population before its generation is lived."""

    candidates: Float[Array, "population numbers"]
    sizes: Float[Array, " population"]
    """Log of the mutation size that each was born by, relative to all, in units of `VARIED`."""
    ages: Float[Array, " population"]
    """Generations that each has lived."""
    records: Float[Array, " population"]
    """Running mean of its rank; zero at birth."""
    center: Float[Array, " numbers"]
    """What children are born around."""
    size: Float[Array, ""]
    """Log of the mutation size of all, relative to the first generation's."""
    genes: Float[Array, " numbers"]
    """Log of every gene's mutation size, relative to the mean gene."""
    paths: Float[Array, "two numbers"]
    """Running sums of the mutations that were selected: a fast and a slow one. Where selection is
    blind and nobody lives on, their mean square is that of mutations whose sizes vary, which is
    exp(2 `VARIED`²) = 1.197 and not 1. Whoever hears them takes 1 for blind (`_grown`), or was
    trained with what they are; so it stays."""
    generation: Int[Array, ""]


def worlds(population: int) -> Int[np.ndarray, " population"]:
    """Whose lives each candidate lives: a few share lives, and are ranked among themselves. Of a
    generation that lives one and the same life selection learns what that life wants, and unlearns
    it in the next (`docs/lab-notes.md`)."""
    return np.arange(population) % max(1, population // SHARING)


def first(center: Float[Array, " numbers"], population: int, spread: Spread, key: Key) -> Brood:
    """The population that begins a search.

    Args:
        center: where.
        population: candidates.
        spread: standard deviation around it.
        key: of their mutations.
    """
    center = jnp.asarray(center, jnp.result_type(center, jnp.float32))
    nothing, number = jnp.zeros(population, center.dtype), jnp.zeros((), center.dtype)
    brood = Brood(
        jnp.zeros((population, center.size), center.dtype), nothing, nothing, nothing,
        center, number, jnp.zeros_like(center), jnp.zeros((2, center.size), center.dtype),
        jnp.asarray(0, jnp.int32),
    )  # fmt: skip
    candidates, sizes = _born(brood, spread, key)
    return brood._replace(candidates=candidates, sizes=sizes)


def after(
    network: SelectionNetwork,
    brood: Brood,
    values: Float[Array, " population"],
    spread: Spread,
    key: Key,
    softness: float = 0.0,
) -> Brood:
    """The next generation.

    Args:
        network: who decides.
        brood: the population that lived.
        values: the loss of each; only their order counts, where `softness` is zero.
        spread: standard deviation of the first generation.
        key: of mutations.
        softness: of ranks and of survival, in standard deviations of `values` among those who
            share their lives: what gradients need, that pass through generations. Zero at use.
    """
    ranks = centred_ranks(values, softness)
    records = jnp.where(brood.ages == 0, ranks, KEPT * brood.records + (1 - KEPT) * ranks)
    told = signs(brood)
    verdict, cells = network(traits(brood, ranks, records), told)
    mutations = (brood.candidates - brood.center) / _deviations(brood, spread)
    scores = normal_scores(ranks, len(values))
    share = _unit(scores + verdict.parentage)
    selected = share @ mutations
    paths = jnp.stack([
        (1 - new) * path + jnp.sqrt(new * (2 - new)) * selected
        for new, path in zip(REMEMBERED, brood.paths, strict=True)
    ])  # fmt: skip
    brood = brood._replace(paths=paths)
    told = signs(brood)
    pace = network.pace(cells, told)
    vote = _unit(scores + verdict.vote) @ brood.sizes
    center = brood.center + _deviations(brood, spread) * _move(
        selected, paths[1], pace, len(values)
    )
    moved = brood._replace(
        center=center,
        size=jnp.clip(brood.size + _grown(paths[1], vote, pace), SHRUNK, GROWN),
        genes=_own_sizes(brood.genes, share, mutations, paths[1], pace),
        generation=brood.generation + 1,
    )
    children, sizes = _born(moved, spread, key)
    stays = _stays(verdict.survival, softness)
    return moved._replace(
        candidates=stays[:, None] * brood.candidates + (1 - stays[:, None]) * children,
        sizes=stays * brood.sizes + (1 - stays) * sizes,
        ages=stays * (brood.ages + 1),
        records=stays * records,
    )


def centred_ranks(values: Float[Array, " n"], softness: float = 0.0) -> Float[Array, " n"]:
    """Ranks from -1/2 (the highest value) to 1/2 (the lowest), among those who lived the same
    lives; equals share theirs."""
    lived = worlds(len(values))
    same = jnp.asarray(lived[None, :] == lived[:, None], values.dtype)
    same = same / jnp.sum(same, 1, keepdims=True)
    apart = values[None, :] - values[:, None]
    if softness:
        unit = softness * jnp.sqrt(jnp.mean((values - same @ values) ** 2) + 1e-20)
        above = jax.nn.sigmoid(apart / unit)
    else:
        above = jnp.heaviside(apart, 0.5)
    return jnp.sum(same * above, 1) - 0.5


def normal_scores(ranks: Float[Array, " n"], count: int) -> Float[Array, " n"]:
    """What a standard normal sample has at each rank, about (Blom 1958): best weights on a sphere
    (Arnold 2006 doi:10.1016/j.tcs.2006.04.003)."""
    return ndtri(0.5 + ranks * count / (count + 0.25))


def traits(
    brood: Brood, ranks: Float[Array, " population"], records: Float[Array, " population"]
) -> Float[Array, "population traits"]:
    """What the network is told of every candidate."""
    scores = normal_scores(ranks, len(ranks))
    old = jnp.tanh(brood.ages / 3)
    return jnp.stack([scores, scores**2 - 1, 2 * ranks, 2 * records, old, brood.sizes], 1)


def signs(brood: Brood) -> Float[Array, " signs"]:
    """What the network is told of the whole population: how much of past selection agrees with
    itself, how far sizes have come, how many numbers there are, and how long it goes on."""
    fast, slow = jnp.log(jnp.mean(brood.paths**2, 1) + 0.1)
    uneven = jnp.sqrt(jnp.mean(brood.genes**2) + 1e-6)
    numbers = (jnp.log(brood.center.size) - 4) / 2
    age = jnp.log1p(brood.generation) / 2 - 1
    told = jnp.stack([fast, slow, jnp.tanh(brood.size / 2), uneven, numbers, age])
    return told.astype(brood.center.dtype)


def _deviations(brood: Brood, spread: Spread):
    return spread * jnp.exp(brood.size + brood.genes)


def _born(brood: Brood, spread: Spread, key: Key):
    """Children around the center, and their own sizes."""
    mutation_key, size_key = jax.random.split(key)
    sizes = jax.random.normal(size_key, brood.sizes.shape, brood.center.dtype)
    mutations = _apart(mutation_key, brood.candidates)
    mutations = jnp.exp(VARIED * sizes)[:, None] * mutations
    return brood.center + _deviations(brood, spread) * mutations, sizes


def _apart(key: Key, candidates: Float[Array, "population numbers"]):
    """A mutation each, standard normal, but at right angles to those of a few others, as many as
    there are numbers: no child tries again what another one tries (Choromanski et al. 2018
    arXiv:1804.02395)."""
    population, numbers = candidates.shape
    few = min(population, numbers, TURNED)
    drawn = jax.random.normal(key, (-(-population // few), few, numbers), candidates.dtype)
    return jax.vmap(_turned)(drawn).reshape(-1, numbers)[:population]


def _turned(vectors: Float[Array, "few numbers"]):
    """Gram and Schmidt's, twice, for once loses right angles to rounding. It is written out, for
    with LAPACK's a search on a CPU waits for ever (`docs/lab-notes.md`)."""

    def turn(directions, numbered):
        number, vector = numbered
        turned = vector
        for _ in range(2):
            turned = turned - (directions @ turned) @ directions
        turned = turned / jnp.linalg.norm(turned)
        return directions.at[number].set(turned), jnp.linalg.norm(vector) * turned

    numbered = jnp.arange(len(vectors)), vectors
    return jax.lax.scan(turn, jnp.zeros_like(vectors), numbered)[1]


def _move(selected, slow, pace: Pace, population: int):
    """How far the center moves, in mutation sizes."""
    stride = STRIDE * jnp.exp(jnp.clip(pace.stride, -3, 3)) / jnp.sqrt(population)
    drift = jax.nn.sigmoid(DRIFT + pace.drift)
    return stride * ((1 - drift) * selected + drift * slow)


def _grown(slow, vote, pace: Pace):
    """Change of the log of mutation sizes: the longer the path, and the more the better candidates
    were born by large mutations, the larger. A blind path is longer than 1 by 9 % (`Brood.paths`),
    so blind selection lets sizes grow a little."""
    numbers = slow.size
    rate = jnp.clip(10.0 / (numbers + 13.0), 0.06, 0.4)
    longer = jnp.sqrt(jnp.mean(slow**2)) - 1
    change = rate * longer + VOTES * vote + 0.2 * pace.growth
    return FASTEST * jnp.tanh(change / FASTEST)


def _own_sizes(genes, share, mutations, slow, pace: Pace):
    """Genes whose mutations are selected when they are large get larger ones."""
    numbers = genes.size
    rate = GENES * jnp.exp(jnp.clip(pace.genes, -3, 3)) * (3 + jnp.log(numbers))
    rate = jnp.minimum(rate / (25 * jnp.sqrt(numbers)), 0.1)
    rate = rate if numbers > 1 else 0.0
    selected = share @ (mutations**2 - 1) / jnp.sqrt(2.0)
    genes = genes + rate * (selected + 0.3 * (slow**2 - jnp.mean(slow**2)))
    return jnp.clip(genes - jnp.mean(genes), -LARGEST, LARGEST)


def _stays(survival, softness: float):
    """Whether each lives on: to a share, where gradients have to pass."""
    if softness:
        return jax.nn.sigmoid(survival)
    return (survival > 0).astype(survival.dtype)


def _unit(shares):
    return shares / jnp.sqrt(jnp.sum(shares**2) + 1e-12)
