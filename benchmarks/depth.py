"""What compiling a meta-gradient takes over the depth of the network.

    python benchmarks/depth.py [--quick] [--json]

Many layers that are alike are lived by one loop, few are written out, which runs faster; beside
what is done, the same networks the other way.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from unittest import mock

import equinox as eqx
import jax
import numpy as np
from interleaved import Contender, Spread, interleave, short
from section import Claim, Section, run, say

from metaplast import layers
from metaplast.circuits import Circuit, layered
from metaplast.circuits.stacks import LEAST, stacked
from metaplast.experiment import build
from metaplast.search import searchable
from metaplast.spec import load
from metaplast.tasks import Clusters

DEPTHS = (8, 16, 24, 48)
LOOPED = functools.partial(stacked, least=4)
MOST_BY_NAME = 24
"""Hidden layers above which writing them out would take minutes."""
LIVES = 8
TURNS = 3
"""Times that what ships is compiled, all depths in turn."""
MISSING = "not measured"
AIM = 1.25
"""At twice the depth."""
WHY = (
    "Where the aim is missed: below "
    f"{LEAST} alike layers (of 16 hidden layers fewer are alike) networks ship written out, and "
    "what that compiles grows with depth. A "
    "loop there would meet the aim, but runs longer (the column), for the weights of a layer are "
    "copied in and out of it: some thirty meta-steps use up what it saves "
    "([lab notes](lab-notes.md), *deep circuits as loops*)."
)
"""A loop from fewer layers on was measured and is not shipped."""


def measure(quick: bool) -> Section:
    section = Section("Compiling a meta-gradient over the depth of the network")
    section.write(
        f"Seconds of the processor, not of the clock, to trace and compile the meta-gradient of "
        f"{LIVES} lives of 300 moments of the experiment `layered`, with so many hidden layers of "
        "64 cells, without a cache; and how long the program then takes. *By name*: every layer is "
        f"written out. What ships is compiled {TURNS} times, all depths in turn, and claims are of "
        "the ratios within a turn; what does not is compiled once."
    )
    depths = DEPTHS[:2] if quick else DEPTHS
    claims, spent, slower = [], {}, {}
    for depth in depths:
        ready = {}
        for loop in (True, False) if depth <= MOST_BY_NAME else (True,):
            say(f"depth: {depth} layers, {'as a loop' if loop else 'by name'}")
            seconds, ready[loop] = prepared(depth, loop)
            spent[depth, loop] = [seconds]
        if len(ready) == 2:
            times = interleave(
                [Contender(str(loop), lambda p=once: p) for loop, once in ready.items()],
                3 if quick else 7,
            )
            slower[depth] = times.ratio("True", "False")
            claims.append(Claim(f"a loop / by name, time to run, {depth} layers", slower[depth]))
    for turn in range(1, 1 if quick else TURNS):
        say(f"depth: compiled again, {turn}")
        for depth in depths:
            spent[depth, looped(depth)].append(prepared(depth, looped(depth))[0])
    section.table(
        ("hidden layers", "as a loop, s", "by name, s", "time to run, loop / by name", "shipped"),
        [
            [
                depth,
                *(median(spent.get((depth, loop))) for loop in (True, False)),
                slower.get(depth, MISSING),
                "a loop" if looped(depth) else "by name",
            ]
            for depth in depths
        ],
    )
    shipped = {depth: np.array(spent[depth, looped(depth)]) for depth in depths}
    section.claims += claims + doubled(shipped, None if quick else AIM)
    section.write(WHY)
    return section


def doubled(shipped: dict[int, np.ndarray], aim: float | None) -> list[Claim]:
    """Compile time as shipped, turn by turn, at twice the depth, where both were measured."""
    return [
        Claim(
            f"compile time as shipped, {2 * once} / {once} layers",
            Spread.of(shipped[2 * once] / shipped[once]), most=aim,
        )
        for once in shipped if 2 * once in shipped
    ]  # fmt: skip


def median(seconds: list[float] | None) -> str:
    return short(float(np.median(seconds))) if seconds else MISSING


def looped(depth: int) -> bool:
    """Whether so many layers ship as a loop."""
    whole = circuit(depth)
    return len(stacked(whole).populations) < len(whole.populations)


def circuit(depth: int) -> Circuit:
    return layered(64, (64,) * depth, 10)


def prepared(depth: int, loop: bool):
    """Seconds of the processor to compile, and one repetition."""
    experiment = build(load("layered"))
    theta, fixed = eqx.partition(experiment.genome, searchable)
    objective = dataclasses.replace(
        experiment.objective,
        circuit=circuit(depth),
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
