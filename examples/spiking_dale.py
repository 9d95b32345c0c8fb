"""A found rule for spiking cells under Dale's law, and backprop through time in the same circuit.

One pass over 1300 handwritten digits, each answered before it is taught, for a network that
`metaplast search spiking` searched a rule for: excitatory and inhibitory cells, spikes of 0 or 1,
errors that come back as spikes over fixed random synapses. Rows live the same lives from the same
births:

- the found rule, and the start of its search (online e-prop with random feedback);
- the found rule with hidden synapses that do not change (readout only);
- surrogate-gradient backprop through the steps of each presentation, at each of several rates, in
  the same circuit under the same law.

    python examples/spiking_dale.py RULE [--lives 16] [--moments 1300]

RULE is the folder or file of a found rule; `spiking` alone stands for the start of the search.
"""

from __future__ import annotations

import argparse
import dataclasses
import time

import jax
import numpy as np

from metaplast.bench.statistics import paired
from metaplast.experiment import build
from metaplast.learners.presented import Presented
from metaplast.learners.surrogate_backprop import SurrogateBackprop
from metaplast.lifetime import live, test_accuracy
from metaplast.network import PlasticNetwork
from metaplast.spec import load
from metaplast.tasks import OnOff, digits

HIDDEN = ("excite", "inhibit")
"""Kinds of synapses onto hidden cells that learn."""


def rows(options) -> dict[str, Presented | SurrogateBackprop]:
    """Learners by name."""
    start = build(load("spiking"))
    presented = start.objective.learner(start.genome)
    found = presented
    if options.rule != "spiking":
        from metaplast import store

        rule = store.load(options.rule)
        found = dataclasses.replace(
            presented, network=PlasticNetwork(presented.network.circuit, rule.genome)
        )
    learners: dict[str, Presented | SurrogateBackprop] = {}
    if found is not presented:
        learners["found rule"] = found
    learners["start of the search"] = presented
    genome = found.network.genome
    frozen = {kind: rule for kind, rule in genome.rules.items() if kind not in HIDDEN}
    readout = dataclasses.replace(genome, rules=frozen)
    learners["readout only"] = dataclasses.replace(
        found, network=PlasticNetwork(found.network.circuit, readout)
    )
    for rate in options.rates.split(","):
        learners[f"backprop, Adam {rate}"] = SurrogateBackprop(presented, "adam", float(rate))
    return learners


def lived(learner, options) -> np.ndarray:
    """Online, late and held-out accuracy `[3, lives]`."""
    task = OnOff(digits(options.moments, split="all"), 0.5)

    def one(key):
        task_key, life_key = jax.random.split(key)
        episode = task.sample(task_key)
        life, state = live(learner, task, episode, life_key)
        late = life.correct[-300:].mean()
        return life.accuracy, late, test_accuracy(learner, state, episode)

    keys = jax.random.split(jax.random.key(options.seed), options.lives)
    return 100 * np.asarray(jax.jit(jax.vmap(one))(keys))


def main() -> None:
    options = arguments()
    print(f"{options.moments} digits, {options.lives} lives; accuracy in %, 95 % intervals")
    print(f"{'':24s}  online        last 300      held-out      seconds")
    results = {}
    for name, learner in rows(options).items():
        begun = time.perf_counter()
        results[name] = lived(learner, options)
        shown = "   ".join(mean_and_interval(row) for row in results[name])
        print(f"{name:24s}{shown}   {time.perf_counter() - begun:7.0f}", flush=True)
    best = max((n for n in results if n.startswith("backprop")), key=lambda n: results[n][0].mean())
    first = next(iter(results))
    for column, what in enumerate(("online", "last 300", "held-out")):
        gap = paired(first, best, results[first][column], results[best][column])
        low, high = gap["ci"]
        print(f"{first} less {best}, {what}: {gap['difference']:+.1f} [{low:+.1f}, {high:+.1f}]")


def mean_and_interval(accuracy: np.ndarray) -> str:
    return f"{accuracy.mean():5.1f} ± {1.96 * accuracy.std(ddof=1) / len(accuracy) ** 0.5:4.1f}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rule", nargs="?", default="spiking")
    parser.add_argument("--moments", type=int, default=1300, help="digits in a life")
    parser.add_argument(
        "--rates", default="0.003,0.01,0.03,0.1", help="of backprop; the best counts"
    )
    parser.add_argument("--lives", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
