"""Fast plastic layers on a GPU: our kernel against XLA's program.

    python benchmarks/kernel.py [--quick] [--json]

Lives of `Factored` as in `limit.py`, and meta-gradients of such lives, with METAPLAST_KERNEL=plain
and =pallas in turn in one process. Needs an NVIDIA GPU.
"""

from __future__ import annotations

import gc
import os
from functools import partial
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from crowd import BYTES_AT_MOST, Crowd, point
from interleaved import Contender, Spread, interleave, short
from machine import MEMORY, Rates
from moment import INPUTS, factored
from section import Claim, Section, run, say

from metaplast import one_pass, pallas_pass
from metaplast.kernel import PALLAS, PLAIN, SWITCH
from metaplast.objective import Objective
from metaplast.tasks import Clusters

CROWDS = ((64, 1024), (64, 16384), (256, 64), (256, 1024), (1024, 64), (2048, 1), (2048, 64))
"""Widths and lives."""
AIM = (256, 1024)
"""Of which a share of the bandwidth is demanded, as `limit.py` does."""
GRADIENTS = ((256, 64), (1024, 16))
"""Widths and lives of meta-gradients; smaller ones are bound by launching."""
MOMENTS = 100
"""Of a life that is differentiated."""


def measure(quick: bool) -> Section:
    section = Section("Our kernel against XLA's program")
    if not gpu():
        section.write(
            "Not measured: this compares programs on an NVIDIA GPU, and JAX finds "
            f"{', '.join(device.device_kind for device in jax.devices())}."
        )
        return section
    agree()
    rates = Rates(quick)
    write_lives(section, rates, [AIM] if quick else CROWDS, 3 if quick else 7)
    write_gradients(section, GRADIENTS[:1] if quick else GRADIENTS, 3 if quick else 7)
    section.write("What the machine did, all the while:")
    section.table(("rate", "median and quartiles", "of what"), rates.rows())
    return section


def gpu() -> bool:
    return any("nvidia" in device.device_kind.lower() for device in jax.devices())


def agree() -> None:
    """The compiled kernel does what the plain pass does, at sizes that are no multiple of a block.

    Raises:
        AssertionError: it does not.
    """
    rng = np.random.default_rng(0)
    for post, pre, channels, right, left in (
        (37, 203, 2, 1, 2),
        (300, 1000, 1, 1, 0),
        (3, 5, 0, 0, 1),
    ):
        shapes = (post, pre), (post,), (channels, post), (channels, pre), (right, pre), (left, post)
        given = [jnp.asarray(rng.normal(size=(3, *shape)), jnp.float32) for shape in shapes]
        with jax.default_matmul_precision("highest"):
            true = jax.jit(jax.vmap(one_pass.plain))(*given)
        ours = jax.jit(jax.vmap(pallas_pass.passed))(*given)
        for a, b in zip(ours, true, strict=True):
            if b.size:
                size = float(jnp.abs(b).max())
                assert size > 1e-2
                np.testing.assert_allclose(a, b, atol=2e-6 * size * np.sqrt(b.shape[-1]))


def switched(name: str, kernel: str, prepare) -> Contender:
    """A contender whose programs are traced with one of the two."""

    def prepared():
        with mock.patch.dict(os.environ, {SWITCH: kernel}):
            return prepare()

    return Contender(f"{kernel} {name}", prepared)


def write_lives(section: Section, rates: Rates, crowds, repetitions: int) -> None:
    rows, best = [], {}
    for width, lives in crowds:
        crowd = Crowd(width, lives).paced(False)
        if crowd.bytes > BYTES_AT_MOST:
            raise ValueError(f"{crowd.name}: {crowd.bytes:.1e} bytes, expected {BYTES_AT_MOST:.1e}")
        say(f"kernel: width {width}, {lives} lives, {crowd.moments} moments")
        both = [switched(crowd.name, k, crowd.contender.prepare) for k in (PLAIN, PALLAS)]
        times = interleave([*rates.contenders, *both], repetitions)
        during = rates.during(times)
        each = [times.each(c.name) / (lives * crowd.moments) for c in both]
        points = [point(crowd, seconds, during) for seconds in each]
        shares = [Spread.of(crowd.work.bytes / during[MEMORY] / seconds) for seconds in each]
        rows.append([
            width, lives, *(short(p.seconds.median * 1e6) for p in points),
            times.ratio(both[0].name, both[1].name), *(short(s.median) for s in shares),
            *(f"{p.updates.median:.2g}" for p in points),
        ])  # fmt: skip
        where = f"width {width}, {lives} {'life' if lives == 1 else 'lives'}"
        ratio = times.ratio(both[1].name, both[0].name)
        section.claims.append(Claim(f"pallas / plain, time of a moment, {where}", ratio))
        for kernel, p, share in zip((PLAIN, PALLAS), points, shares, strict=True):
            if (width, lives) == AIM:
                text = f"share of the bandwidth of memory, {where}, {kernel}"
                section.claims.append(Claim(text, share, least=0.6))
            if kernel not in best or p.updates.median > best[kernel][1].updates.median:
                best[kernel] = (where, p)
        gc.collect()
    for kernel, (where, p) in best.items():
        scaled = Spread(*(value / 1e11 for value in p.updates))
        text = f"synapse updates per second / 1e11, best of {kernel}: {where}"
        section.claims.append(Claim(text, scaled, least=1.0))
    section.write(
        "Lives without a gradient: microseconds per moment of one life, the share of the bandwidth "
        "that is reached if every weight is read once and written once (`metaplast.cost`), and "
        "synapses changed per second."
    )
    header = ("width", "lives", "plain us", "pallas us", "times faster", "share, plain",
              "share, pallas", "updates/s, plain", "updates/s, pallas")  # fmt: skip
    section.table(header, rows)


def write_gradients(section: Section, crowds, repetitions: int) -> None:
    rows = []
    for width, lives in crowds:
        say(f"kernel: meta-gradient, width {width}, {lives} lives")
        both = [
            switched(f"gradient {width} {lives}", k, partial(differentiating, width, lives))
            for k in (PLAIN, PALLAS)
        ]
        times = interleave(both, repetitions)
        scale = 1e6 / (lives * MOMENTS)
        rows.append([
            width, lives, *(short(times.of(c.name).median * scale) for c in both),
            times.ratio(both[0].name, both[1].name),
        ])  # fmt: skip
        ratio = times.ratio(both[1].name, both[0].name)
        text = f"pallas / plain, time of a meta-gradient, width {width}, {lives} lives"
        section.claims.append(Claim(text, ratio))
        gc.collect()
    section.write(
        f"Meta-gradients of lives of {MOMENTS} moments: microseconds per moment of one life."
    )
    section.table(("width", "lives", "plain us", "pallas us", "times faster"), rows)


def differentiating(width: int, lives: int):
    """Compiles the meta-gradient of lives; returns what computes it again."""
    network = factored((width, width))
    objective = Objective(Clusters(inputs=INPUTS, moments=MOMENTS), network.circuit)
    theta, fixed = eqx.partition(network.genome, eqx.is_inexact_array)

    def loss(theta, key):
        return objective(eqx.combine(theta, fixed), key)[0]

    program = jax.jit(jax.vmap(jax.grad(loss), (None, 0)))
    keys = jax.random.split(jax.random.key(0), lives)

    def once():
        return jax.block_until_ready(program(theta, keys))

    found = jax.tree.leaves(once())
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in found)
    assert max(float(jnp.abs(leaf).max()) for leaf in found) > 0
    return once


if __name__ == "__main__":
    run(measure, __doc__)
