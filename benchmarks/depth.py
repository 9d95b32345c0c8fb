"""What compiling a meta-gradient takes over the depth of the network.

    python benchmarks/depth.py [--quick] [--json]

Layers that are alike are lived by one loop; beside it, the same networks with every layer by name.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from unittest import mock

import equinox as eqx
import jax
from interleaved import Contender, Spread, interleave, short
from section import Claim, Section, run, say

from metaplast import layers
from metaplast.circuits import layered
from metaplast.circuits.stacks import stacked
from metaplast.experiment import build
from metaplast.search import searchable
from metaplast.spec import load
from metaplast.tasks import Clusters

DEPTHS = (2, 8, 16)
LOOPED = functools.partial(stacked, least=4)
LIVES = 8
AIM = 1.25
"""At twice the depth."""


def measure(quick: bool) -> Section:
    section = Section("Compiling a meta-gradient over the depth of the network")
    section.write(
        f"Seconds of the processor, not of the clock, to trace and compile the meta-gradient of "
        f"{LIVES} lives of 300 moments of the experiment `layered`, with so many hidden layers of "
        "64 cells, without a cache; and how long the program then takes. *By name*: every layer is "
        "written out."
    )
    depths = DEPTHS[:2] if quick else DEPTHS
    rows, seconds, programs = [], {}, {}
    for depth in depths:
        for loop in (True, False):
            say(f"depth: {depth} layers, {'as a loop' if loop else 'by name'}")
            seconds[depth, loop], programs[depth, loop] = prepared(depth, loop)
        times = interleave(
            [Contender(str(loop), lambda p=programs[depth, loop]: p) for loop in (True, False)],
            3 if quick else 7,
        )
        slower = times.ratio("True", "False")
        rows.append([depth, short(seconds[depth, True]), short(seconds[depth, False]), slower])
        section.claims.append(Claim(f"a loop / by name, time to run, {depth} layers", slower))
    section.table(
        ("hidden layers", "as a loop, s", "by name, s", "time to run, loop / by name"), rows
    )
    for loop, how in ((True, "as a loop"), (False, "by name")):
        grown = seconds[depths[-1], loop] / seconds[depths[-2], loop]
        text = f"compile time {how}, {depths[-1]} / {depths[-2]} layers"
        aim = AIM if loop and not quick else None
        section.claims.append(Claim(text, Spread(grown, grown, grown), most=aim))
    return section


def prepared(depth: int, loop: bool):
    """Seconds of the processor to compile, and one repetition."""
    experiment = build(load("layered"))
    theta, fixed = eqx.partition(experiment.genome, searchable)
    objective = dataclasses.replace(
        experiment.objective,
        circuit=layered(64, (64,) * depth, 10),
        task=Clusters(inputs=64, moments=300),
    )

    def gradient(theta, key):
        return jax.grad(lambda t: objective(eqx.combine(t, fixed), key)[0])(theta)

    keys = jax.random.split(jax.random.key(0), LIVES)
    program = jax.jit(jax.vmap(gradient, (None, 0)))
    begun = time.process_time()
    with mock.patch.object(layers, "stacked", LOOPED if loop else lambda circuit: circuit):
        ready = program.lower(theta, keys).compile()
    spent = time.process_time() - begun

    def once():
        return jax.block_until_ready(ready(theta, keys))

    once()
    return spent, once


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    run(measure, __doc__)
