"""Many lives as one program: all at once, in chunks, over several devices."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from interleaved import Contender, Spread, Times, interleave
from jax.sharding import NamedSharding, PartitionSpec
from machine import MEMORY, Rates, across, caches
from moment import INPUTS, factored

from metaplast.cost import Counts, counts, weight_bytes
from metaplast.lifetime import unroll
from metaplast.network import PlasticNetwork
from metaplast.tasks import Clusters

CHANNELS = {"forward": 1, "readout": 1}
"""Outer products of a change, in the network that lives here."""

TASK = Clusters(inputs=INPUTS)
"""What all lives learn."""

BYTES_AT_MOST = 2.7e9
"""Of the weights of all lives together."""

SECONDS = 0.1
"""About how long a repetition should take."""

DISTINCT = 8
"""Different lives; more lives than that repeat them, which no program can know."""


class Crowd(NamedTuple):
    """Lives of `Factored` in 64-width-width-10, and how they share a program.

    Birth is no part of what is timed. Lives at once begin where they ended; lives in chunks all
    begin newborn, so that no state of a chunk has to last.
    """

    width: int
    lives: int
    moments: int = 1
    """Lived by each life in one repetition."""
    chunk: int | None = None
    """Lives at a time, each chunk for all its moments; None for all at once, moment by moment."""
    devices: int = 1

    @property
    def network(self) -> PlasticNetwork:
        return factored((self.width, self.width))

    @property
    def work(self) -> Counts:
        """Least work of one moment of one life."""
        return counts(self.network.circuit, CHANNELS)

    @property
    def changing(self) -> int:
        """Synapses of one life that change at every moment."""
        circuit = self.network.circuit
        return sum(
            circuit.size(q.pre) * circuit.size(q.post) for q in circuit.dense if q.kind in CHANNELS
        )

    @property
    def bytes(self) -> int:
        """Of the weights that one device goes through in one moment."""
        return weight_bytes(self.network.circuit) * (self.chunk or self.lives // self.devices)

    @property
    def level(self) -> str:
        """The smallest memory that holds the weights of all devices."""
        size = self.bytes * self.devices
        return next((name for name, most in caches().items() if size <= most), MEMORY)

    @property
    def name(self) -> str:
        return " ".join(f"{field}={value}" for field, value in self._asdict().items())

    def paced(self, quick: bool) -> Crowd:
        """With as many moments as take about `SECONDS`, at a guess."""
        guess = 12e9 if self.level == MEMORY else 40e9
        if jax.default_backend() == "gpu":  # or a repetition would be all launching
            guess = 1e12
        turns = self.lives / (self.chunk or self.lives)
        one = self.lives * self.work.bytes / guess + 5e-6 * turns
        # Every chunk writes its newborns first, which must not count.
        least = 16 if self.chunk else 2
        return self._replace(
            moments=max(least, min(2000, round(SECONDS / (4 if quick else 1) / one)))
        )

    @property
    def contender(self) -> Contender:
        return Contender(self.name, partial(prepare, self))

    def each(self, times: Times):
        """Seconds per moment of one life, in every repetition."""
        return times.each(self.name) / (self.lives * self.moments)


class Point(NamedTuple):
    """What was measured of a crowd, with quartiles over repetitions."""

    crowd: Crowd
    seconds: Spread
    """Per moment of one life."""
    share: Spread
    """Of the limit that products of matrices and the memory beyond all caches set."""
    cached: Spread
    """The same, with the smallest memory that holds all weights."""
    flops: Spread
    """Operations per second, of those that are counted."""
    updates: Spread
    """Synapses changed per second."""

    def as_dict(self) -> dict:
        """What a figure needs."""
        return {
            **self.crowd._asdict(),
            "bytes": self.crowd.bytes * self.crowd.devices,
            "intensity": self.crowd.work.intensity,
            "flops": self.flops.median,
        }


def living(crowds: list[Crowd], rates: Rates, repetitions: int) -> list[Point]:
    """Time crowds and the machine in turn."""
    times = interleave([*rates.contenders, *(c.contender for c in crowds)], repetitions)
    during = rates.during(times)
    return [point(crowd, crowd.each(times), during) for crowd in crowds]


def point(crowd: Crowd, seconds: np.ndarray, during: dict[str, np.ndarray]) -> Point:
    work = crowd.work
    compute = work.flops / during["matrix"]
    share, cached = (
        Spread.of(np.maximum(compute, work.bytes / during[level]) / seconds)
        for level in (MEMORY, crowd.level)
    )
    return Point(
        crowd, Spread.of(seconds), share, cached,
        Spread.of(work.flops / seconds), Spread.of(crowd.changing / seconds),
    )  # fmt: skip


def prepare(crowd: Crowd):
    """Compile a crowd and let it live once; returns what lives again."""
    network = crowd.network

    def life(begin, seen, key):
        after, (_, losses) = unroll(network, TASK, begin, seen, key)
        return after, jnp.mean(losses)

    def at_once(begin, seen):
        return jax.vmap(life)(begin, *seen)

    def in_chunks(newborn, seen):
        parts = jax.tree.map(lambda a: a.reshape(-1, crowd.chunk, *a.shape[1:]), seen)
        return newborn, jax.lax.map(lambda part: at_once(newborn, part)[1], parts)

    alive = [repeated(newborn(crowd.width), crowd.chunk or crowd.lives)]
    seen = experience(crowd.lives, crowd.moments), jax.random.split(jax.random.key(0), crowd.lives)
    program = in_chunks if crowd.chunk else at_once
    if crowd.devices > 1:
        split, whole = PartitionSpec("devices"), PartitionSpec()
        stay, mesh = whole if crowd.chunk else split, across()
        alive[0] = jax.device_put(alive[0], NamedSharding(mesh, stay))
        seen = jax.device_put(seen, NamedSharding(mesh, split))
        program = jax.shard_map(
            program, mesh=mesh, in_specs=(stay, split), out_specs=(stay, split), check_vma=False
        )
    # Donated: the states of lives at once are changed in place, as within a longer scan.
    program = jax.jit(program, donate_argnums=0)

    def once():
        alive[0], losses = jax.block_until_ready(program(alive[0], seen))
        return losses

    losses = once()
    # Numbers that are not finite, or all zero, would not cost what living costs.
    if not bool(jnp.all(jnp.isfinite(losses) & (losses > 0))):
        raise ArithmeticError(f"{crowd.name}: a life's losses are {losses}, expected positive ones")
    once()  # Donated arguments come back laid out anew; only now is everything warm.
    return once


@lru_cache
def newborn(width: int):
    """What `unroll` begins with, of a few lives."""

    def born(key):
        return factored((width, width)).born(key), jnp.asarray(True), jnp.asarray(0)

    return jax.jit(jax.vmap(born))(jax.random.split(jax.random.key(0), DISTINCT))


@lru_cache
def episode():
    """Stimuli and targets of which every life sees some."""
    one = jax.jit(TASK.sample)(jax.random.key(0))
    return np.asarray(one.stimuli), np.asarray(one.targets)


def experience(lives: int, moments: int):
    """Stimuli `[lives, moments, inputs]` and targets, drawn from one episode."""
    stimuli, targets = episode()
    order = np.random.default_rng(0).integers(len(targets), size=(lives, moments))
    return jnp.asarray(stimuli[order]), jnp.asarray(targets[order])


def repeated(tree, count: int):
    """Leaves `[count, ...]`, from those of a few lives; by NumPy, so that nothing is compiled."""
    return jax.tree.map(lambda a: jnp.asarray(np.asarray(a)[np.arange(count) % len(a)]), tree)
