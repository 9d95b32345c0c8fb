"""Peak memory of a meta-gradient over the horizon, with and without checkpointed segments.

    python benchmarks/memory.py [--quick]

Each line is a fresh process: its largest resident size after the gradient of 4 lives, less that
before it; beside it, what XLA planned to allocate for the program. With segments of the square
root of the horizon, memory should grow like that root.
"""

from __future__ import annotations

import argparse
import math
import resource
import subprocess
import sys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short horizons only")
    parser.add_argument("--one", nargs=2, type=int, metavar=("MOMENTS", "SEGMENT"))
    given = parser.parse_args()
    if given.one:
        print(*(f"{megabytes:.0f}" for megabytes in peak(*given.one)))
        return
    print(f"{'moments':>8s} {'segment':>8s} {'resident MB':>12s} {'planned MB':>11s}")
    for moments in (250,) if given.quick else (250, 1000, 4000):
        for segment in (0, round(math.sqrt(moments))):
            resident, planned = child(moments, segment)
            shown = segment or "none"
            print(f"{moments:8d} {shown!s:>8s} {resident:>12s} {planned:>11s}", flush=True)


def child(moments: int, segment: int) -> list[str]:
    command = [sys.executable, __file__, "--one", str(moments), str(segment)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def peak(moments: int, segment: int) -> tuple[float, float]:
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
    _, gradient = pair(objective, fixed, segment)
    keys = jax.random.split(jax.random.key(0), 4)
    program = gradient.lower(theta, keys).compile()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    jax.block_until_ready(program(theta, keys))
    resident = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return resident, program.memory_analysis().temp_size_in_bytes / 2**20


if __name__ == "__main__":
    main()
