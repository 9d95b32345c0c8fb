"""Cost of a meta-gradient against the plain lives that it differentiates.

    python benchmarks/meta_gradient.py [--quick]

The shipped circuit and its undecided rule, 300 moments; plain lives and gradients in turn. One
recomputation of the life makes about 4 the limit of what checkpointing can reach.
"""

from __future__ import annotations

import argparse
import dataclasses

import equinox as eqx
import jax
import numpy as np
from moment import seconds

from metaplast.experiment import build
from metaplast.objective import Objective
from metaplast.search import searchable
from metaplast.spec import load, with_overrides


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and lives")
    given = parser.parse_args()
    repetitions = 3 if given.quick else 7
    experiment = build(with_overrides(load("digits"), []))
    theta, fixed = eqx.partition(experiment.genome, searchable)
    print(f"{'lives':>6s} {'segment':>8s} {'lives s':>9s} {'gradient s':>11s} {'ratio':>6s}")
    for lives in (8,) if given.quick else (8, 32):
        for segment in (0, 17):
            programs = pair(experiment.objective, fixed, segment)
            keys = jax.random.split(jax.random.key(0), lives)
            for program in programs:
                jax.block_until_ready(program(theta, keys))
            times = np.array(
                [[seconds(p, theta, keys) for p in programs] for _ in range(repetitions)]
            )
            plain, gradient = np.median(times, axis=0)
            ratio = np.median(times[:, 1] / times[:, 0])
            shown = segment or "none"
            row = f"{lives:6d} {shown!s:>8s} {plain:9.3f} {gradient:11.3f} {ratio:6.2f}"
            print(row, flush=True)


def pair(objective: Objective, fixed, segment: int):
    """Plain lives, and their gradient, as two programs of theta and the keys of the lives."""
    objective = dataclasses.replace(objective, segment=segment)

    def loss(theta, key):
        return objective(eqx.combine(theta, fixed), key)[0]

    plain = jax.jit(jax.vmap(loss, (None, 0)))
    return plain, jax.jit(jax.vmap(jax.grad(loss), (None, 0)))


if __name__ == "__main__":
    main()
