"""What this machine can do: products of matrices, and moving bytes at each level of memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from interleaved import Contender, Spread, Times, short
from jax.sharding import Mesh, NamedSharding, PartitionSpec

MEMORY = "memory"
"""The level of memory that is no cache."""

SIDE, SIDE_ON_GPU = 1024, 8192
"""Of the matrices whose product is timed: large enough that starting it is little of that time."""


class Probe(NamedTuple):
    """Something of which the machine's rate is known when its seconds are."""

    contender: Contender
    amount: float
    """Operations, or bytes, of one repetition."""

    def rates(self, times: Times) -> np.ndarray:
        """Operations or bytes per second of every repetition."""
        return self.amount / times.each(self.contender.name)


def every_core() -> None:
    """One device per core, so that a program can say what runs where. Call before JAX starts.

    Programs on one device still have the threads of all cores.
    """
    jax.config.update("jax_num_cpu_devices", cores())


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def across() -> Mesh:
    """All devices, as one axis."""
    return Mesh(np.array(jax.devices()), ("devices",))


def caches() -> dict[str, int]:
    """Bytes of the caches that hold more than one life: L2 of all cores, and the last one.

    Empty on a GPU, and where Linux does not say.
    """
    if jax.default_backend() != "cpu":
        return {}
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind = ((index / name).read_text().strip() for name in ("level", "type"))
        if kind == "Unified":
            kilobytes = int((index / "size").read_text().strip().removesuffix("K"))
            found[f"L{level}"] = kilobytes * 1024 * (cores() if level == "2" else 1)
    return found


class Rates:
    """What the machine did, gathered over all repetitions of everything that is measured."""

    def __init__(self, quick: bool) -> None:
        self.probes = {"matrix": matrix()}
        amount = 2e8 if quick else 6e8
        if jax.default_backend() == "gpu":  # or a repetition would be all launching
            amount = 3e10
        for name, size in working_sets().items():
            self.probes[name] = triad(name, size, loops=max(1, round(amount / (1.5 * size))))
        self.seen: dict[str, list[np.ndarray]] = {name: [] for name in self.probes}

    @property
    def contenders(self) -> list[Contender]:
        return [probe.contender for probe in self.probes.values()]

    def during(self, times: Times) -> dict[str, np.ndarray]:
        """Operations or bytes per second of every repetition, which are remembered too."""
        found = {name: probe.rates(times) for name, probe in self.probes.items()}
        for name, rates in found.items():
            self.seen[name].append(rates)
        return found

    def spread(self, name: str) -> Spread:
        """Of all repetitions so far."""
        return Spread.of(np.concatenate(self.seen[name]))

    def rows(self) -> list[list]:
        """Lines of a table: name, rate, what was timed."""
        rows, n = [], side()
        for name, size in {"matrix": None, **working_sets()}.items():
            of = f"{short(size / 2**20)} MiB: a = a + 0.001 (b - a)" if size else f"{n} x {n}"
            giga = Spread(*(value / 1e9 for value in self.spread(name)))
            rows.append([name, f"{giga} {'GB' if size else 'GFLOP'}/s", of])
        return rows


def working_sets() -> dict[str, int]:
    """Bytes with which each level of memory is timed: well within a cache, and well beyond all."""
    # Others may use the last cache too, and a virtual machine seldom has all of it.
    sizes = {name: size // (2 if name == "L2" else 4) for name, size in caches().items()}
    return {**sizes, MEMORY: max([4 * size for size in caches().values()], default=2**30)}


def side() -> int:
    """Of the matrices whose product is timed here."""
    return SIDE_ON_GPU if jax.default_backend() == "gpu" else SIDE


def matrix() -> Probe:
    """Product of two large matrices, all in float32."""
    n = side()

    def prepare():
        left, right = jax.random.normal(jax.random.key(0), (2, n, n))
        program = jax.jit(jnp.matmul)

        def once():
            return program(left, right).block_until_ready()

        once()
        return once

    return Probe(Contender("matrix", kept(prepare)), 2.0 * n**3)


def triad(name: str, size: int, loops: int) -> Probe:
    """`a ← a + 0.001 (b - a)` in place: two reads and a write, as a moment has them.

    Args:
        name: of the level of memory.
        size: bytes of both arrays, over all cores.
        loops: passes over the arrays in one repetition.
    """
    spread = NamedSharding(across(), PartitionSpec("devices"))
    count = size // 8 // jax.device_count() * jax.device_count()

    def passes(a, b):
        # Every pass needs all of both arrays: nothing can be computed once for all passes.
        return jax.lax.fori_loop(0, loops, lambda _, a: a + 0.001 * (b - a), a)

    def prepare():
        a, b = (jax.device_put(jnp.full(count, v, jnp.float32), spread) for v in (1.0, 2.0))
        split = PartitionSpec("devices")
        program = jax.jit(
            jax.shard_map(passes, mesh=across(), in_specs=split, out_specs=split),
            donate_argnums=0,
        )
        held = [a]

        def once():
            held[0] = program(held[0], b).block_until_ready()

        once()
        return once

    return Probe(Contender(name, kept(prepare)), 12.0 * count * loops)


def kept(prepare):
    """The same, prepared only once, however often it is asked for."""
    made = []

    def again():
        if not made:
            made.append(prepare())
        return made[0]

    return again
