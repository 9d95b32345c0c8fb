"""Generations per second: our `search` against a loop over evosax's `ask` and `tell`.

    python benchmarks/peer_evosax.py [--quick] [--json]

The same strategy, population, dimension and lives. Both draw the same keys, and that both arrive
at the same theta is asserted.
"""

from __future__ import annotations

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from agreement import agreement
from interleaved import Contender, compiled, interleave, short
from section import Claim, Section, run, say

from metaplast.experiment import Experiment, build
from metaplast.meta import Evolution
from metaplast.search import begin, search, searchable
from metaplast.spec import load
from metaplast.spread import use_cores
from metaplast.tasks import Clusters

OURS, THEIRS = "search", "evosax in a scan"
LIVES, SPREAD = 2, 0.02
FOREVER = 10**9


def measure(quick: bool) -> Section:
    use_cores()
    moments, generations, repetitions = (20, 2, 3) if quick else (30, 8, 7)
    experiment = shorter(build(load("layered")), moments)
    strategies = ("CMA_ES",) if quick else ("CMA_ES", "SNES")
    section = Section("Evolution: `search` against evosax's own loop")
    dimension = sum(x.size for x in jax.tree.leaves(eqx.filter(experiment.genome, searchable)))
    rows = []
    for strategy in strategies:
        meta = Evolution(strategy, population=16 if quick else 32, lives=LIVES, spread=SPREAD)
        say(f"peer_evosax: {strategy}, {generations} generations of {meta.population}")
        # From the second generation on, CMA-ES asks in eigenvectors of nearly equal eigenvalues,
        # and rounding decides which.
        worst = disagreement(experiment, meta, 1 if strategy == "CMA_ES" else generations)
        contenders = [
            Contender(OURS, lambda meta=meta: ours(experiment, meta, generations)),
            compiled(THEIRS, *theirs(experiment, meta, generations)),
        ]
        times = interleave(contenders, repetitions)
        ratio = times.ratio(THEIRS, OURS)
        section.claims.append(Claim(f"evosax in a scan / search, {strategy}", ratio, least=1))
        rates = (short(generations / times.of(n).median) for n in (OURS, THEIRS))
        rows.append([strategy, *rates, ratio, f"{worst:.0e}",
                     ", ".join(short(times.preparing[n]) for n in (OURS, THEIRS))])  # fmt: skip
    section.write(
        f"Generations per second on the experiment `layered`, {meta.population} candidates of "
        f"{dimension} numbers, {LIVES} lives of {moments} moments each, {generations} generations "
        "to a dispatch. Both draw the same keys and arrive at the same theta (relative distance in "
        "the column *differs by*; of CMA-ES after one generation, for its eigenvectors then "
        "depend on rounding). A ratio of 1 says that `search` costs nothing over evosax."
    )
    section.table(
        ("strategy", f"{OURS}, 1/s", f"{THEIRS}, 1/s", "theirs / ours", "differs by",
         "to prepare, s"), rows,
    )  # fmt: skip
    return section


def shorter(experiment: Experiment, moments: int) -> Experiment:
    """The experiment on one procedural task, with short lives."""
    task = Clusters(inputs=64, moments=moments)
    return experiment._replace(objective=dataclasses.replace(experiment.objective, task=task))


def ours(experiment: Experiment, meta: Evolution, generations: int):
    """Call after call, the next dispatch of one search."""
    position = begin(experiment.objective, experiment.genome, meta, jax.random.key(0))
    steps = search(
        experiment.objective, experiment.genome, meta, position, FOREVER, 1e6, most=generations
    )
    # Dispatches double in length until they are as long as allowed.
    while len(next(steps).loss) < generations:
        pass
    return lambda: next(steps)


def theirs(experiment: Experiment, meta: Evolution, generations: int):
    """A function of theta, strategy state and key, and these: evosax as its documentation has it,
    but for keys that are drawn as `search` draws them."""
    _, fixed = eqx.partition(experiment.genome, searchable)
    start = begin(experiment.objective, experiment.genome, meta, jax.random.key(0))
    strategy = meta.algorithm(start.theta)
    params = strategy.default_params.replace(std_init=SPREAD)

    def fitness_of(candidate, keys):
        genome = eqx.combine(candidate, fixed)
        losses = jax.vmap(lambda key: experiment.objective(genome, key)[0])(keys)
        return jnp.mean(losses)

    def loop(state, key):
        def generation(state, count):
            keys = jax.random.split(jax.random.fold_in(key, count), 3)
            candidates, state = strategy.ask(keys[0], state, params)
            lives = jax.random.split(keys[2], LIVES)
            fitness = jax.vmap(fitness_of, (0, None))(candidates, lives)
            state, metrics = strategy.tell(keys[1], candidates, fitness, state, params)
            return state, metrics["best_fitness"]

        state, best = jax.lax.scan(generation, state, jnp.arange(generations))
        return strategy.get_mean(state), best

    return loop, start.outer, start.key


def disagreement(experiment: Experiment, meta: Evolution, generations: int) -> float:
    """Distance between both ends, relative to the way from the start."""
    position = begin(experiment.objective, experiment.genome, meta, jax.random.key(0))
    *_, last = search(experiment.objective, experiment.genome, meta, position, generations)
    loop, state, key = theirs(experiment, meta, generations)
    end, _ = jax.jit(loop)(state, key)

    def flat(tree):
        return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])

    begun = flat(position.theta)
    return agreement("the way from the start", flat(last.position.theta) - begun, flat(end) - begun)


if __name__ == "__main__":
    run(measure, __doc__)
