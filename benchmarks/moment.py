"""Cost of one moment of `Factored` against one jitted backprop+Adam moment of the same network.

    python benchmarks/moment.py [--quick]

Both live the same stimuli in 64-64-64-10, in the same run, in turn (A B A B ...); the ratio is
taken pair by pair, and its median is the figure.
"""

from __future__ import annotations

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.circuits import layered
from metaplast.learners.backprop import Backprop
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.rules import Factored
from metaplast.tasks import Clusters


def factored(hidden: tuple[int, ...]) -> PlasticNetwork:
    """A layered network whose every synapse follows `Factored`, feedback random."""
    neurons = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
    rules = {"forward": Factored((0.01,)), "readout": Factored((0.01,))}
    return PlasticNetwork(layered(64, hidden, 10), Genome(neurons, rules))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    given = parser.parse_args()
    moments, repetitions = 300, 3 if given.quick else 11
    task = Clusters(inputs=64, moments=moments)
    print(
        f"{'lives':>6s} {'Factored us':>12s} {'backprop us':>12s} {'ratio':>6s}   (per life-moment)"
    )
    for lives in (1, 32) if given.quick else (1, 32, 256):
        keys = jax.random.split(jax.random.key(0), lives)
        episodes = jax.jit(jax.vmap(task.sample))(keys)
        hidden = (64, 64)
        programs = [
            compiled(learner, task, episodes, keys)
            for learner in (factored(hidden), Backprop((64, *hidden, 10), "adam", 0.003))
        ]
        times = np.array(
            [[seconds(p, episodes, keys) for p in programs] for _ in range(repetitions)]
        )
        a, b = np.median(times, axis=0) / (lives * moments) * 1e6
        ratio = np.median(times[:, 0] / times[:, 1])
        print(f"{lives:6d} {a:12.2f} {b:12.2f} {ratio:6.2f}", flush=True)


def compiled(learner, task, episodes, keys):
    """Whole lives as one program, warm."""

    @jax.jit
    def program(episodes, keys):
        def one(episode, key):
            life, _ = live(learner, task, episode, key)
            return jnp.sum(life.loss)

        return jax.vmap(one)(episodes, keys)

    jax.block_until_ready(program(episodes, keys))
    return program


def seconds(program, *arguments) -> float:
    begun = time.perf_counter()
    jax.block_until_ready(program(*arguments))
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
