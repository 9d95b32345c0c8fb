"""Peak memory of a meta-gradient over the horizon, plainly unrolled and as it is by default.

    python benchmarks/memory.py [--quick] [--json]

Each figure is a fresh process: its largest resident size after the gradient of 4 lives, less that
before it; beside it, what XLA planned to allocate for the program.
"""

from __future__ import annotations

import resource
import subprocess
import sys

from interleaved import Spread, short
from section import Claim, Section, run, say

LIVES = 4
AIM = 10.0
"""At 1000 moments."""
UNROLLED, DEFAULT = "0", "None"
"""Values of `Objective.segment`."""


def measure(quick: bool) -> Section:
    section = Section("Peak memory of a meta-gradient over the horizon")
    section.write(
        f"Megabytes that the gradient of {LIVES} lives of the experiment `digits` adds to a fresh "
        "process, and in brackets what XLA planned. Memory is not noisy: one process each."
    )
    horizons = (250,) if quick else (250, 1000, 4000)
    rows, resident = [], {}
    for moments in horizons:
        say(f"memory: {moments} moments")
        both = {segment: child(moments, segment) for segment in (UNROLLED, DEFAULT)}
        resident |= {(moments, segment): used for segment, (used, _) in both.items()}
        less = resident[moments, UNROLLED] / resident[moments, DEFAULT]
        shown = [f"{used:.0f} ({planned:.0f})" for used, planned in both.values()]
        rows.append([moments, *shown, short(less)])
        section.claims.append(
            Claim(
                f"memory, unrolled / default, {moments} moments",
                Spread(less, less, less),
                least=AIM if moments == 1000 else None,
            )
        )
    section.table(("moments", "unrolled, MB", "default, MB", "times less"), rows)
    if not quick:
        grown = resident[horizons[-1], DEFAULT] / resident[horizons[0], DEFAULT]
        text = f"memory by default, {horizons[-1]} / {horizons[0]} moments"
        section.claims.append(Claim(text, Spread(grown, grown, grown)))
    return section


def child(moments: int, segment: str) -> tuple[float, float]:
    """Megabytes resident and planned, of a fresh process."""
    command = [sys.executable, __file__, "--one", str(moments), segment]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return float(told[0]), float(told[1])


def peak(moments: int, segment: int | None) -> tuple[float, float]:
    """Megabytes that one meta-gradient adds to this process, and what XLA planned for it."""
    import equinox as eqx
    import jax
    from meta_gradient import pair

    from metaplast.experiment import build
    from metaplast.objective import Objective
    from metaplast.search import searchable
    from metaplast.spec import load
    from metaplast.tasks import Clusters

    experiment = build(load("digits"))
    task = Clusters(inputs=64, moments=moments)
    objective = Objective(task, experiment.objective.circuit, experiment.objective.sharpness)
    theta, fixed = eqx.partition(experiment.genome, searchable)
    _, gradient = pair(objective, fixed, segment, LIVES)
    keys = jax.random.split(jax.random.key(0), LIVES)
    program = jax.jit(gradient).lower(theta, keys).compile()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    jax.block_until_ready(program(theta, keys))
    resident = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return resident, program.memory_analysis().temp_size_in_bytes / 2**20


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(*peak(int(sys.argv[2]), None if sys.argv[3] == DEFAULT else int(sys.argv[3])))
    else:
        run(measure, __doc__)
