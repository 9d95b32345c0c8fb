"""Najarro & Risi (2020): networks that are born random, and balance a pole by Hebbian plasticity.

Meta-learning through Hebbian plasticity in random networks. NeurIPS 2020. arXiv:2007.02686

Weights are drawn anew at every birth and change at every moment by the generalized Hebbian rule
of four coefficients, without a reward. Evolution finds the coefficients: its only measure is
how long a life's pole stands.

    python examples/najarro_2020.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, found, heading, last, numbers, row
from command import Command, as_command
from jaxtyping import Array, Float
from pole import share_standing

from metaplast.circuits import layered
from metaplast.meta import Evolution
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Rate
from metaplast.objective import Score
from metaplast.rules import ABCD

DEVIATIONS = """\
Deviations from the paper: a cart with a pole (Barto, Sutton & Anderson 1983,
doi:10.1109/TSMC.1983.6313077) for a car race and a walking quadruped, whose simulators are large
dependencies; all synapses of a layer share their coefficients, where the paper finds five for
every synapse (with fewer, by Pedersen & Risi 2021, robustness grows); CMA-ES for an evolution
strategy with hundreds of workers. The paper reports in its abstract that more than 450000
parameters of plasticity evolved, and that its quadruped walks within 100 time steps from random
weights and copes with damage that it never met; a figure to stand beside moments of balance is
not given.
As in the paper: weights are random at every birth, there is no reward in a life, fitness is what
evolution sees of it, and a layer is divided by its largest weight where that is beyond 1 (which no
synapse could know)."""

RATE = 0.1
"""What coefficients are counted in."""

Terms = dict[str, Float[Array, " 4"]]
"""A, B, C and D of every layer."""


class Balance(eqx.Module):
    """Moments for which the pole stands, of at most `moments`."""

    hidden: int = eqx.field(static=True)
    moments: int = eqx.field(static=True)
    lesion: float = eqx.field(static=True, default=0.0)
    """Share of the forward synapses that are cut at birth."""

    def __call__(self, terms: Terms, key):
        """Fraction of the time that the pole has fallen, and of that for which it stands."""
        network = PlasticNetwork(layered(4, (self.hidden,), 2, "none"), genome(terms))
        birth_key, start_key, cut_key = jax.random.split(key, 3)
        born = network.born(birth_key)
        share = share_standing(network, born, self.moments, self.lesion, start_key, cut_key)
        return 1.0 - share, Score(1.0 - share, share, jnp.zeros(()))


def genome(terms: Terms) -> Genome:
    neurons = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Rate("tanh")}
    return Genome(neurons, {layer: ABCD(RATE, each) for layer, each in terms.items()})


def stands(task: Balance, found: Terms, count: int, seed: int) -> np.ndarray:
    """Moments for which the pole stands in each life."""
    run = eqx.filter_jit(jax.vmap(lambda key: task(found, key)[1].accuracy))
    return task.moments * np.asarray(run(jax.random.split(jax.random.key(seed), count)))


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    task = Balance(options.hidden, options.moments)
    first = {"forward": jnp.zeros(4), "readout": jnp.zeros(4)}
    print(f"network 4-{options.hidden}-2, random at every birth; {numbers(first)} numbers evolve; "
          f"at most {options.moments} moments of 20 ms")  # fmt: skip
    meta = Evolution("CMA_ES", options.population, options.meta_lives, 0.5, options.steps)
    rule = found(task, first, meta, options.steps, options.seed, "of the time standing")

    heading(f"moments for which the pole stands, of {options.moments}")
    seen = (options.lives, options.seed + 1)
    row("found rule", NOT_GIVEN, stands(task, rule, *seen))
    row("random weights, not plastic", NOT_GIVEN, stands(task, first, *seen))
    hurt = Balance(options.hidden, options.moments, 0.2)
    row("found rule, a fifth of synapses cut", NOT_GIVEN, stands(hurt, rule, *seen))
    wide = Balance(4 * options.hidden, options.moments)
    row("found rule, four times as wide", NOT_GIVEN, stands(wide, rule, *seen))
    for layer, terms in rule.items():
        shown = " ".join(f"{float(c):+.2f}" for c in terms)
        print(f"A B C D, {layer:9s} {shown}")
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("hidden", 16, "cells of the hidden layer")
    command.count("moments", 300, "longest life")
    command.evolution(240, 32, 8)
    command.compared(100)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
