"""What each part of a found rule is worth: the same rule with one part taken out, same lives.

    python benchmarks/ablation.py zoo/online --data digits mnist1d --moments 300

The rows `without ...` are networks built from the found genome, with one kind of plasticity, gain
or decision switched off; `before the search` is the genome at which the search began.
"""

from __future__ import annotations

import argparse
import dataclasses

import jax.numpy as jnp

from metaplast.bench.living import Arena
from metaplast.bench.statistics import paired
from metaplast.circuits import Circuit
from metaplast.experiment import build_circuit, build_genome
from metaplast.network import Genome
from metaplast.neurons import Learned
from metaplast.store import Found, load
from metaplast.tasks import named

SILENCED = {
    "relay_hidden": "without the deep path",
    "relay_input": "without the direct path",
    "feedback": "without feedback",
}
"""By the kind of the projections that are silent."""


def variants(found: Found, circuit: Circuit) -> dict[str, Genome]:
    """The found genome, and what is left of it when one part is missing that the circuit has."""
    whole = found.genome
    parts = {"before the search": build_genome(found.spec["genome"])}
    if any(isinstance(neuron, Learned) for neuron in whole.neurons.values()):
        undecided = {k: n.base if isinstance(n, Learned) else n for k, n in whole.neurons.items()}
        parts["without decisions"] = Genome(undecided, whole.rules, whole.log_gains)
    kinds = {projection.kind for projection in circuit.projections}
    for kind, name in SILENCED.items():
        if kind in kinds:
            parts[name] = silenced(whole, kind)
    if "lateral" in kinds and "lateral" in whole.rules:
        parts["without lateral plasticity"] = fixed(whole, "lateral")
    return parts


def silenced(genome: Genome, kind: str) -> Genome:
    """The genome with projections of one kind at strength zero."""
    gains = {**genome.log_gains, kind: jnp.asarray(-jnp.inf)}
    return Genome(genome.neurons, genome.rules, gains)


def fixed(genome: Genome, kind: str) -> Genome:
    """The genome with projections of one kind that never change."""
    rules = {k: r for k, r in genome.rules.items() if k != kind}
    return Genome(genome.neurons, rules, genome.log_gains)


def compare(found: Found, data: str, moments: int, hidden: tuple[int, ...], lives: int, seed: int):
    """Print one line per variant, with its paired difference to the whole rule."""
    task = named(data, moments=moments, split="bench")
    arena = Arena(task, seed)
    circuit = build_circuit(found.anatomy, task.inputs, hidden, task.classes)

    def accuracy(genome: Genome):
        arena.reset()
        learner = dataclasses.replace(found, genome=genome).learner(
            task.inputs, hidden, task.classes
        )
        return arena.live([learner], range(lives)).accuracy[0]

    whole = accuracy(found.genome)
    print(f"\n{task.name}, {moments} moments, hidden {hidden}, {lives} lives")
    print(f"  {'the whole rule':28s} {whole.mean():.3f}", flush=True)
    for name, genome in variants(found, circuit).items():
        online = accuracy(genome)
        result = paired("whole", name, whole, online)
        low, high = result["ci"]
        print(
            f"  {name:28s} {online.mean():.3f}   the whole rule is better by "
            f"{result['difference']:+.3f} [{low:+.3f}, {high:+.3f}]",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rule", nargs="?", default="zoo/online")
    parser.add_argument("--data", nargs="+", default=["digits", "mnist1d"])
    parser.add_argument("--moments", nargs="+", type=int, default=[300])
    parser.add_argument("--hidden", default="64,64")
    parser.add_argument("--lives", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.lives < 2:
        parser.error(f"--lives {given.lives}: expected 2 or more, for an interval")
    hidden = tuple(int(n) for n in given.hidden.split(","))
    found = load(given.rule)
    for data in given.data:
        for moments in given.moments:
            compare(found, data, moments, hidden, given.lives, given.seed)


if __name__ == "__main__":
    main()
