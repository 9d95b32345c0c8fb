"""A found rule for spiking cells under Dale's law, and backprop through time in the same circuit.

One pass over 1300 handwritten digits, each answered before it is taught, for a network that
`metaplast search spiking` searched a rule for: excitatory and inhibitory cells, spikes of 0 or 1,
errors that come back as spikes over fixed random synapses. Rows live the same lives from the same
births:

- the found rule, and the start of its search (online e-prop with random feedback);
- the found rule with hidden synapses that do not change (readout only);
- the same with synapses that learn from the activity of a cell itself and not from what differs
  from its habit, at the best of smaller coefficients;
- surrogate-gradient backprop through the steps of each presentation, in the same circuit under the
  same law: at the best of its optimizers, rates, and smaller steps of hidden synapses, by the
  accuracy online of the first four of these lives.

    python examples/spiking_dale.py RULE [--lives 16] [--moments 1300]

RULE is the folder or file of a found rule; `spiking` alone stands for the start of the search.
A pass needs more digits than the comparison pool has, so lives are drawn from all that are not held
out, among which are those that the search lived: over a third. The held-out ones it never saw.
"""

from __future__ import annotations

import dataclasses
import time

import equinox as eqx
import jax
import numpy as np
from command import Command, as_command

from metaplast.bench.statistics import paired
from metaplast.experiment import build
from metaplast.learners.presented import Presented
from metaplast.learners.surrogate_backprop import SurrogateBackprop
from metaplast.lifetime import live, test_accuracy
from metaplast.network import PlasticNetwork
from metaplast.neurons import Habituated
from metaplast.spec import load
from metaplast.tasks import OnOff, digits

HIDDEN = ("excite", "inhibit")
"""Kinds of synapses onto hidden cells that learn."""
RATES = {
    "sgd": (0.1, 0.3, 1.0), "momentum": (0.01, 0.03, 0.1, 0.3), "adam": (0.01, 0.03, 0.1),
}  # fmt: skip
"""Of backprop, by optimizer."""
SHARES = (1.0, 0.3, 0.1, 0.03, 0.01)
"""Steps of hidden synapses in units of those of the others."""
COEFFICIENTS = (1.0, 0.3, 0.1, 0.03)
"""Of rules without habits, in units of those with them."""
TRIED = 4
"""Lives of every setting that is tuned."""


def rows(options) -> dict[str, Presented]:
    """The learners that keep the constraints, by name."""
    start = build(load("spiking"))
    presented = start.objective.learner(start.genome)
    found = presented
    if options.rule != "spiking":
        from metaplast import store

        rule = store.load(options.rule)
        found = dataclasses.replace(
            presented, network=PlasticNetwork(presented.network.circuit, rule.genome)
        )
    learners: dict[str, Presented] = {}
    if found is not presented:
        learners["found rule"] = found
    learners["start of the search"] = presented
    genome = found.network.genome
    frozen = {kind: rule for kind, rule in genome.rules.items() if kind not in HIDDEN}
    readout = dataclasses.replace(genome, rules=frozen)
    learners["readout only"] = dataclasses.replace(
        found, network=PlasticNetwork(found.network.circuit, readout)
    )
    plain = [without_habits(learners["readout only"], share) for share in COEFFICIENTS]
    learners["readout only, no habits"] = max(
        plain, key=lambda p: lived(p, options, TRIED)[0].mean()
    )
    return learners


def without_habits(presented: Presented, share: float) -> Presented:
    """The same network of cells that tell their synapses of their activity as it is."""
    network = presented.network
    neurons = {name: _bare(neuron) for name, neuron in network.genome.neurons.items()}
    rules = {
        kind: dataclasses.replace(rule, coefficients=share * rule.coefficients)
        for kind, rule in network.genome.rules.items()
    }
    genome = dataclasses.replace(network.genome, neurons=neurons, rules=rules)
    return dataclasses.replace(presented, network=PlasticNetwork(network.circuit, genome))


def _bare(neuron):
    if isinstance(neuron, Habituated):
        return neuron.base
    return (
        dataclasses.replace(neuron, base=_bare(neuron.base)) if hasattr(neuron, "base") else neuron
    )


def tuned(presented: Presented, options) -> SurrogateBackprop:
    """Backprop at its best setting; the grid is told."""

    def online(setting) -> float:
        return lived(backprop(presented, *setting), options, TRIED)[0].mean()

    grid = [(name, r, share) for name, each in RATES.items() for r in each for share in SHARES]
    found = {setting: online(setting) for setting in grid}
    for name, rates in RATES.items():
        shown = ", ".join(f"{r} {max(found[name, r, s] for s in SHARES):.1f}" for r in rates)
        print(f"  {name}, online at the best share: {shown}")
    shown = ", ".join(
        f"{s} {max(value for (*_, share), value in found.items() if share == s):.1f}"
        for s in SHARES
    )
    print(f"  share of hidden synapses, at the best optimizer and rate: {shown}", flush=True)
    return backprop(presented, *max(grid, key=found.__getitem__))


def backprop(presented: Presented, optimizer: str, rate: float, share: float) -> SurrogateBackprop:
    return SurrogateBackprop(presented, optimizer, rate, dict.fromkeys(HIDDEN, share))


def lived(learner, options, lives: int) -> np.ndarray:
    """Online, late and held-out accuracy `[3, lives]`."""
    keys = jax.random.split(jax.random.key(options.seed), options.lives)[:lives]
    task = OnOff(digits(options.moments, split="all"), 0.5)
    return 100 * np.asarray(_lived(learner, task, keys))


@eqx.filter_jit
def _lived(learner, task, keys):
    """Compiled once for all rates of one optimizer."""

    def one(key):
        task_key, life_key = jax.random.split(key)
        episode = task.sample(task_key)
        life, state = live(learner, task, episode, life_key)
        late = life.correct[-300:].mean()
        return life.accuracy, late, test_accuracy(learner, state, episode)

    return jax.vmap(one)(keys)


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    print(f"{options.moments} digits, {options.lives} lives; accuracy in %, 95 % intervals; lives "
          "are drawn from the images of the search, too, held-out ones are not")  # fmt: skip
    print(f"{'':36s}  online        last 300      held-out      seconds")
    learners: dict[str, Presented | SurrogateBackprop] = dict(rows(options))
    best = tuned(learners["start of the search"], options)
    share = float(best.shares[HIDDEN[0]])
    rival = f"backprop, {best.optimizer} {float(best.rate):.3g}, share {share:.3g}"
    learners[rival] = best
    results = {}
    for name, learner in learners.items():
        begun = time.perf_counter()
        results[name] = lived(learner, options, options.lives)
        shown = "   ".join(mean_and_interval(row) for row in results[name])
        print(f"{name:36s}{shown}   {time.perf_counter() - begun:7.0f}", flush=True)
    first = next(iter(results))
    for column, what in enumerate(("online", "last 300", "held-out")):
        gap = paired(first, rival, results[first][column], results[rival][column])
        low, high = gap["ci"]
        print(f"{first} less {rival}, {what}: {gap['difference']:+.1f} [{low:+.1f}, {high:+.1f}]")


def mean_and_interval(accuracy: np.ndarray) -> str:
    return f"{accuracy.mean():5.1f} ± {1.96 * accuracy.std(ddof=1) / len(accuracy) ** 0.5:4.1f}"


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.add_argument("rule", nargs="?", default="spiking")
    command.count("moments", 1300, "digits in a life")
    command.compared(16)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
