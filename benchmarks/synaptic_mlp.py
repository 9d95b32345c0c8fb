"""A life of `SynapticMLP`: a small network in each of 79 400 synapses.

    python benchmarks/synaptic_mlp.py [--quick] [--json]

100 moments in 784-100-10, against the same rule written the straightforward way (a product of a
matrix and a vector in every synapse). That both lose the same is asserted.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from agreement import agreement
from interleaved import Spread, compiled, interleave, short
from moment import newborn
from section import Claim, Section, run, say

from metaplast.circuits import layered
from metaplast.lifetime import unroll
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.rules import SynapticMLP
from metaplast.rules.abstract import AbstractRule
from metaplast.source import Source
from metaplast.squash import squash
from metaplast.tasks import Clusters

OURS, THEIRS = "SynapticMLP", "straightforward"
INPUTS, HIDDEN, CLASSES, WIDTH, RATE = 784, 100, 10, 8, 0.003
LIMIT = 20
"""Milliseconds that a life may take, where several share a program."""


class Straightforward(AbstractRule):
    """The formula of `SynapticMLP`, written as it reads."""

    source: ClassVar[Source] = SynapticMLP.source
    of: SynapticMLP

    def __call__(self, synapse, memory):
        x, y, m = synapse.pre.activity, synapse.post.activity, synapse.post.message
        features = squash(jnp.stack([x, y, synapse.weight, m]))
        decision = self.of.out @ squash(self.of.hidden @ features + self.of.bias)
        return self.of.rate * (m * x + decision), memory


def measure(quick: bool) -> Section:
    moments, repetitions = (20, 3) if quick else (100, 7)
    section = Section("A small network in every synapse")
    section.write(
        f"{moments} moments of `SynapticMLP` (width {WIDTH}) in {INPUTS}-{HIDDEN}-{CLASSES}, all "
        "lives in one program; milliseconds per life. Straightforward: a matrix-vector product in "
        "every synapse, mapped over synapses."
    )
    rows = []
    for lives in (1,) if quick else (1, 8):
        rows.append(row(section, lives, moments, repetitions))
    section.table(
        ("lives", f"{OURS} ms", f"{THEIRS} ms", "theirs / ours", "differs by", "to prepare, s"),
        rows,
    )
    return section


def row(section: Section, lives: int, moments: int, repetitions: int) -> list:
    say(f"synaptic_mlp: {lives} lives of {moments} moments")
    task = Clusters(inputs=INPUTS, moments=moments, held_out=1)
    keys = jax.random.split(jax.random.key(0), lives)
    episodes = jax.jit(jax.vmap(task.sample))(keys)
    experience = (episodes.stimuli, episodes.targets)
    networks = {OURS: network(decided()), THEIRS: network(Straightforward(decided()))}
    begin = jax.jit(jax.vmap(lambda key: newborn(networks[OURS], key)))(keys)
    programs = {name: jax.jit(losses(n, task)) for name, n in networks.items()}
    times = interleave(
        [compiled(name, p, begin, experience, keys) for name, p in programs.items()], repetitions
    )
    worst = agreement("losses", *(p(begin, experience, keys) for p in programs.values()))
    ratio = times.ratio(THEIRS, OURS)
    where = f"{lives} {'life' if lives == 1 else 'lives'}"
    section.claims.append(Claim(f"straightforward / SynapticMLP, {where}", ratio, least=1))
    if lives > 1:
        share = Spread(*(value * 1000 / lives / LIMIT for value in times.of(OURS)))
        section.claims.append(Claim(f"a life of SynapticMLP / {LIMIT} ms, {where}", share, most=1))
    return [
        lives, *(short(times.of(n).median * 1000 / lives) for n in (OURS, THEIRS)), ratio,
        f"{worst:.0e}", ", ".join(short(times.preparing[n]) for n in (OURS, THEIRS)),
    ]  # fmt: skip


def decided() -> SynapticMLP:
    """A rule whose small network has something to say: at birth it is silent."""
    rule = SynapticMLP(RATE, WIDTH)
    out = 0.1 * jax.random.normal(jax.random.key(1), (WIDTH,))
    return eqx.tree_at(lambda r: r.out, rule, out)


def network(rule: AbstractRule) -> PlasticNetwork:
    neurons = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
    circuit = layered(INPUTS, (HIDDEN,), CLASSES)
    return PlasticNetwork(circuit, Genome(neurons, {"forward": rule, "readout": rule}))


def losses(network: PlasticNetwork, task: Clusters):
    def one(begin, experience, key):
        return unroll(network, task, begin, experience, key)[1][1]

    return jax.vmap(one)


if __name__ == "__main__":
    run(measure, __doc__)
