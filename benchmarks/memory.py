"""Peak memory of a meta-gradient over the horizon, with and without checkpointed segments.

    python benchmarks/memory.py [--quick]

Each line is a fresh process: its largest resident size after the gradient of 4 lives, less that
before it. With segments of the square root of the horizon, memory should grow like that root.
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
        print(f"{peak(*given.one):.0f}")
        return
    print(f"{'moments':>8s} {'plain MB':>9s} {'segments MB':>12s}")
    for moments in (250,) if given.quick else (250, 1000, 4000):
        plain, segmented = (child(moments, s) for s in (0, round(math.sqrt(moments))))
        print(f"{moments:8d} {plain:>9s} {segmented:>12s}", flush=True)


def child(moments: int, segment: int) -> str:
    command = [sys.executable, __file__, "--one", str(moments), str(segment)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def peak(moments: int, segment: int) -> float:
    """Megabytes that one meta-gradient adds to this process."""
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
    _, gradient = pair(objective, fixed, segment or None)
    keys = jax.random.split(jax.random.key(0), 4)
    program = gradient.lower(theta, keys).compile()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    jax.block_until_ready(program(theta, keys))
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


if __name__ == "__main__":
    main()
