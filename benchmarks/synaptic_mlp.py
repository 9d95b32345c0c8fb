"""A life of `SynapticMLP` and of `SynapticGRU`: a small network in each of 79 400 synapses.

    python benchmarks/synaptic_mlp.py [--quick] [--json]

100 moments in 784-100-10, against the same rule written the straightforward way (products of a
matrix and a vector in every synapse). That both lose the same is asserted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

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
from metaplast.rules import SynapticGRU, SynapticMLP
from metaplast.rules.abstract import AbstractRule
from metaplast.source import Source
from metaplast.squash import squash
from metaplast.tasks import Clusters

THEIRS = "straightforward"
INPUTS, HIDDEN, CLASSES, WIDTH, STATES, RATE = 784, 100, 10, 8, 3, 0.003
LIMIT = 20
"""Milliseconds that a life of `SynapticMLP` may take, where several share a program."""


class StraightforwardMLP(AbstractRule):
    """The formula of `SynapticMLP`, written as it reads."""

    source: ClassVar[Source] = SynapticMLP.source
    of: SynapticMLP

    def __call__(self, synapse, memory):
        x, y, m = synapse.pre.activity, synapse.post.activity, synapse.post.message
        features = squash(jnp.stack([x, y, synapse.weight, m]))
        decision = self.of.out @ squash(self.of.hidden @ features + self.of.bias)
        return self.of.rate * (m * x + decision), memory


class StraightforwardGRU(AbstractRule):
    """The formula of `SynapticGRU`, written as it reads."""

    source: ClassVar[Source] = SynapticGRU.source
    of: SynapticGRU

    def init(self):
        return jnp.zeros(len(self.of.out))

    def __call__(self, synapse, memory):
        x, y, m = synapse.pre.activity, synapse.post.activity, synapse.post.message
        heard = self.of.inputs @ squash(jnp.stack([y, m, x, synapse.weight])) + self.of.bias
        update, reset = (
            0.5 * (1 + squash(heard[part] + self.of.recurrent[part] @ memory)) for part in (0, 1)
        )
        candidate = squash(heard[2] + self.of.recurrent[2] @ (reset * memory))
        memory = memory + update * (candidate - memory)
        return self.of.rate * (m * x + self.of.out @ memory), memory


class Subject(NamedTuple):
    """A rule of ours, and the same formula as it reads."""

    name: str
    rule: Callable[[], AbstractRule]
    straightforward: Callable[[AbstractRule], AbstractRule]
    about: str


SUBJECTS = (
    Subject("SynapticMLP", lambda: SynapticMLP(RATE, WIDTH), StraightforwardMLP, f"width {WIDTH}"),
    Subject(
        "SynapticGRU", lambda: SynapticGRU(RATE, STATES), StraightforwardGRU, f"{STATES} states"
    ),
)


def measure(quick: bool) -> Section:
    moments, repetitions = (20, 3) if quick else (100, 7)
    section = Section("A small network in every synapse")
    rules = " and of ".join(f"`{subject.name}` ({subject.about})" for subject in SUBJECTS)
    section.write(
        f"{moments} moments of {rules} in {INPUTS}-{HIDDEN}-{CLASSES}, all "
        "lives in one program; milliseconds per life. Straightforward: products of a matrix and a "
        "vector in every synapse, mapped over synapses."
    )
    rows = [
        row(section, subject, lives, moments, repetitions)
        for subject in SUBJECTS
        for lives in ((1,) if quick else (1, 8))
    ]
    section.table(
        (
            "rule", "lives", "ours, ms", f"{THEIRS}, ms", "theirs / ours", "differs by",
            "to prepare, s",
        ),
        rows,
    )  # fmt: skip
    return section


def row(section: Section, subject: Subject, lives: int, moments: int, repetitions: int) -> list:
    name = subject.name
    say(f"synaptic_mlp: {name}, {lives} lives of {moments} moments")
    task = Clusters(inputs=INPUTS, moments=moments, held_out=1)
    keys = jax.random.split(jax.random.key(0), lives)
    episodes = jax.jit(jax.vmap(task.sample))(keys)
    experience = (episodes.stimuli, episodes.targets)
    rule = decided(subject.rule())
    networks = {name: network(rule), THEIRS: network(subject.straightforward(rule))}
    programs = {n: jax.jit(losses(net, task)) for n, net in networks.items()}
    begun = {
        n: jax.jit(jax.vmap(lambda k, net=net: newborn(net, k)))(keys)
        for n, net in networks.items()
    }
    times = interleave(
        [compiled(n, p, begun[n], experience, keys) for n, p in programs.items()], repetitions
    )
    worst = agreement("losses", *(p(begun[n], experience, keys) for n, p in programs.items()))
    ratio = times.ratio(THEIRS, name)
    where = f"{lives} {'life' if lives == 1 else 'lives'}"
    section.claims.append(Claim(f"{THEIRS} / {name}, {where}", ratio, least=1))
    if lives > 1 and name == "SynapticMLP":
        share = Spread(*(value * 1000 / lives / LIMIT for value in times.of(name)))
        section.claims.append(Claim(f"a life of {name} / {LIMIT} ms, {where}", share, most=1))
    return [
        name, lives, *(short(times.of(n).median * 1000 / lives) for n in (name, THEIRS)), ratio,
        f"{worst:.0e}", ", ".join(short(times.preparing[n]) for n in (name, THEIRS)),
    ]  # fmt: skip


def decided(rule):
    """A rule whose small networks have something to say: at birth they are silent."""
    out = 0.1 * jax.random.normal(jax.random.key(1), rule.out.shape)
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
