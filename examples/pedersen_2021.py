"""Pedersen & Risi (2021): synapses begin with a rule each, and rules that are alike are merged.

Evolving and merging Hebbian learning rules: increasing generalization by decreasing the number of
rules. GECCO 2021. doi:10.1145/3449639.3459317

Weights are drawn anew at every birth and change by the generalized Hebbian rule of four
coefficients. Evolution finds coefficients for every synapse, halts now and then, replaces the
rules by the centers of clusters of them, and goes on. Does a network with few rules cope better
with a body that it never met?

    python examples/pedersen_2021.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import dataclasses
import time
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, heading, last, row
from command import Command, as_command
from jaxtyping import Array, Float, Int
from pole import ORDINARY, Body, share_standing
from sklearn.cluster import KMeans

from metaplast import search
from metaplast.circuits import Circuit, layered
from metaplast.fitting import fitting
from metaplast.meta import ES
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Rate
from metaplast.objective import Score
from metaplast.rules import ABCD
from metaplast.rules.abstract import AbstractRule

DEVIATIONS = """\
Deviations from the paper: a cart with a pole (Barto, Sutton & Anderson 1983,
doi:10.1109/TSMC.1983.6313077) for a walking quadruped, so the bodies that the search never met are
poles and carts of a quarter to four times the length and masses (with half to twice, no pole fell
over rules that were not merged), where the paper modifies its robot slightly, in 30 ways; cut
synapses are of Najarro & Risi (2020); a few hundred generations. The paper's figures are those of
its abstract, which says that robustness improves, with no more generations. Rewards on its
morphologies, which the column of the tables would need, are not given, nor when rules are merged
and to how many: here they are halved at equal distances, by default until they are 32 times fewer,
as the paper's are.
As in the paper: weights are random at every birth, clusters are found by k-means, and their centers
evolve on. Intervals are over searches, each of which is judged by the same lives."""

RATE = 0.1
"""What coefficients are counted in."""


class Rules(NamedTuple):
    """Coefficients, and who follows which."""

    terms: Float[Array, "rules 4"]
    """A, B, C and D of every rule."""
    of: Int[Array, " synapses"]
    """The number of every synapse's rule."""


class Own(AbstractRule):
    """The rule ABCD with coefficients that the synapse keeps as its memory."""

    def init(self):
        return jnp.zeros(4)

    def __call__(self, synapse, memory):
        return ABCD(RATE, memory)(synapse, memory)


GENOME = Genome(
    {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Rate("tanh")},
    {"forward": Own(), "readout": Own()},
)


class Balance(eqx.Module):
    """How long the pole stands over a network of given size."""

    hidden: int = eqx.field(static=True)
    moments: int = eqx.field(static=True)
    of: Int[Array, " synapses"]
    lesion: float = eqx.field(static=True, default=0.0)
    """Share of the synapses that are cut at birth."""
    strange: float = eqx.field(static=True, default=1.0)
    """Most times by which a life's pole and cart are longer, heavier, shorter or lighter."""

    def __call__(self, terms: Float[Array, "rules 4"], key):
        """Fraction of the time that the pole has fallen, and of that for which it stands."""
        birth_key, start_key, cut_key, body_key = jax.random.split(key, 4)
        network = PlasticNetwork(wiring(self.hidden), GENOME)
        born = network.born(birth_key)
        born = born._replace(memory=by_projection(terms[self.of], born.weights))
        body = strange(self.strange, body_key)
        share = share_standing(network, born, self.moments, self.lesion, start_key, cut_key, body)
        return 1.0 - share, Score(1.0 - share, share, jnp.zeros(()))


def wiring(hidden: int) -> Circuit:
    return layered(4, (hidden,), 2, "none")


def by_projection(each: Float[Array, "synapses 4"], weights) -> dict[str, Array]:
    """Coefficients of all synapses as `[post, pre, 4]` by the name of the projection."""
    ends = np.cumsum([w.size for w in weights.values()])[:-1]
    parts = jnp.split(each, ends)
    return {n: p.reshape(*w.shape, 4) for (n, w), p in zip(weights.items(), parts, strict=True)}


def strange(most: float, key) -> Body:
    """A pole of another length and mass on a cart of another mass, each by a factor of its own."""
    mass, cart, half = most ** jax.random.uniform(key, (3,), minval=-1.0, maxval=1.0)
    return Body(ORDINARY.force, mass * ORDINARY.mass, cart * ORDINARY.cart, half * ORDINARY.half)


def merged(rules: Rules, count: int, seed: int) -> Rules:
    """Rules that are alike become one: the center of their cluster.

    Every rule counts once, however many synapses follow it.
    """
    clusters = KMeans(count, n_init=10, random_state=seed).fit(np.asarray(rules.terms))
    terms = jnp.asarray(clusters.cluster_centers_, rules.terms.dtype)
    return Rules(terms, jnp.asarray(clusters.labels_)[rules.of])


class Evolved:
    """Evolution from zero, the rules merged on the way; every program is compiled once.

    Args:
        options: what `main` was given.
    """

    def __init__(self, options):
        self.options, self.programs = options, {}
        self.meta = ES(
            rate=options.rate, steps=options.steps, lives=options.meta_lives, spread=options.spread,
            width=options.meta_lives,
        )  # fmt: skip

    def __call__(self, name: str, rules: Rules, counts: list[int], seed: int) -> list[Rules]:
        """Rules after each of as many stretches as there are counts, merged to so many before."""
        after = []
        for stage, count in enumerate(counts):
            if count < len(rules.terms):
                rules = merged(rules, count, seed)
            key = jax.random.fold_in(jax.random.key(seed), stage)
            rules, score = self.stretch(rules, key)
            after.append(rules)
            step = (stage + 1) * self.options.steps
            print(f"  search {seed:2d}  {name:26s}meta-step {step:4d}  {count:3d} rules  "
                  f"of the time standing {100 * score:5.1f}", flush=True)  # fmt: skip
        return after

    def stretch(self, rules: Rules, key) -> tuple[Rules, float]:
        """Rules after the generations from one merging to the next, and how long poles stood in
        the last of them."""
        task = Balance(self.options.hidden, self.options.moments, rules.of)
        position = search.begin(task, rules.terms, self.meta, key)
        what = (task, rules.terms, self.meta, position)
        if len(rules.terms) not in self.programs:
            traced = fitting(lambda shelf: search.traced(*what, shelf=shelf))
            self.programs[len(rules.terms)] = traced.compiled()
        dispatch = self.programs[len(rules.terms)]
        for progress in search.search(*what, self.options.steps, 20.0, dispatch=dispatch):
            position = progress.position
        return rules._replace(terms=search.found(rules.terms, position)), progress.accuracy[-1]


def stands(task: Balance, searches: list[Rules], count: int, seed: int) -> np.ndarray:
    """Moments for which the pole stands, `[searches, lives]`; lives are the same for all."""
    keys = jax.random.split(jax.random.key(seed), count)
    shares = [_shares(task, rules.terms[rules.of], keys) for rules in searches]
    return task.moments * np.asarray(shares)


@eqx.filter_jit
def _shares(task, terms, keys):
    return jax.vmap(lambda key: task(terms, key)[1].accuracy)(keys)


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    circuit = wiring(options.hidden)
    synapses = circuit.random_synapses
    counts = [max(1, synapses >> stage) for stage in range(options.merges + 1)]
    apart = jnp.arange(synapses)
    first = Rules(jnp.zeros((synapses, 4)), apart)
    one = Rules(jnp.zeros((1, 4)), jnp.zeros_like(apart))
    print(f"network 4-{options.hidden}-2, random at every birth, {synapses} synapses; at most "
          f"{options.moments} moments of 20 ms; {options.searches} searches")  # fmt: skip
    evolve, seeds = Evolved(options), range(options.seed, options.seed + options.searches)
    kinds = {
        "merged": (first, counts),
        "not merged": (first, [synapses] * len(counts)),
        "one rule for all synapses": (one, [1] * len(counts)),
    }
    searches = {name: [evolve(name, *kind, seed) for seed in seeds] for name, kind in kinds.items()}

    print(f"\n{'':36s}{'paper':>14s}   numbers that evolve")
    print(f"{'before the first merging':36s}{61440:14d}   {4 * counts[0]:8d}")
    print(f"{'after the last':36s}{1920:14d}   {4 * counts[-1]:8d}")
    ordinary = Balance(options.hidden, options.moments, apart)
    worlds = {
        "": ordinary,
        ", a fifth of the synapses cut": dataclasses.replace(ordinary, lesion=0.2),
        ", other poles and carts": dataclasses.replace(ordinary, strange=options.strange),
    }
    lives = (options.lives, options.seed + 1000)
    for world, task in worlds.items():
        heading(f"moments for which the pole stands, of {options.moments}{world}")
        stood = {
            name: [stands(task, stage, *lives).mean(1) for stage in zip(*found, strict=True)]
            for name, found in searches.items()
        }
        for name, each in stood.items():
            count = len(searches[name][0][-1].terms)
            row(name, NOT_GIVEN, each[-1], f"{count} rules" if count > 1 else "1 rule")
        row("where the search began", NOT_GIVEN, stands(task, [first], *lives)[0], "over lives")
        pairs = zip(counts, stood["merged"], stood["not merged"], strict=True)
        for stage, (count, few, many) in list(enumerate(pairs, 1))[1:]:
            name = f"merged less not, generation {stage * options.steps}"
            row(name, NOT_GIVEN, few - many, f"{count} rules")
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("hidden", 16, "cells of the hidden layer")
    command.count("moments", 300, "longest life")
    command.count("merges", 5, "how often rules are halved", least=0)
    command.count("steps", 40, "generations from one to the next")
    command.count("meta-lives", 64, "pairs of lives a generation")
    command.add_argument(
        "--spread", type=float, default=0.5, help="of coefficients in a generation"
    )
    command.add_argument("--rate", type=float, default=0.2, help="of Adam over coefficients")
    command.count("searches", 10, "searches of each kind", least=2)
    command.add_argument("--strange", type=float, default=4.0, help="largest change of a body")
    command.compared(100)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
