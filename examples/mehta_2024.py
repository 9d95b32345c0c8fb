"""Mehta et al. (2024): which plasticity rule made these recordings?

Model-based inference of synaptic plasticity rules. NeurIPS 37. doi:10.1101/2023.12.11.571103

Several small networks that learn by Oja's rule are recorded. From the recordings a Taylor series
of 18 terms (powers of the pre-synaptic activity x and the post-synaptic y up to 2, of the weight w
up to 1) is inferred, by least squares over whole trajectories: with activity and weights, with
activity alone, and at several levels of noise. Last comes a control in which the rule *cannot* be
had: inputs of 0 or 1, for which x² is x, so that only sums of coefficients can be known; the report
has to say so.

    python examples/mehta_2024.py

Deviations from the paper: networks of 6 inputs and 2 cells; Gauss-Newton steps and no penalty on
the coefficients; the weights at birth are known; no behavior, no data of flies.
"""

from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.circuits import layered
from metaplast.inference import Inferred, infer, record, report
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Rate
from metaplast.rules import AbstractRule, Oja, Taylor
from metaplast.tasks import Clusters, RateCode
from metaplast.tasks.abstract import AbstractTask

RATE = 0.05
KIND, PROJECTION, POPULATION = "readout", "input->output", "output"


def network(rule: AbstractRule, inputs: int, cells: int = 2) -> PlasticNetwork:
    """One layer of tanh cells, all of whose synapses have the rule."""
    neurons = {"input": Rate("linear"), "output": Rate("tanh")}
    return PlasticNetwork(layered(inputs, (), cells), Genome(neurons, {KIND: rule}))


def oja() -> Taylor:
    """Oja's rule as a point of the series."""
    return Taylor(Taylor().theta * (RATE / 0.01))


def inferred(
    task: AbstractTask, with_weights: bool, noise: float, recordings: int, seed: int = 0
) -> Inferred:
    """Record Oja's rule, and infer it from nothing."""
    seen = record(
        network(Oja(RATE), task.inputs), task, [POPULATION], [PROJECTION] if with_weights else [],
        recordings, jax.random.key(seed), noise, noise,
    )  # fmt: skip
    blank = Taylor(jnp.zeros_like(Taylor().theta))
    return infer(network(blank, task.inputs), KIND, task, seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=20)
    parser.add_argument("--moments", type=int, default=50)
    given = parser.parse_args()
    true = np.asarray(oja().theta).ravel()
    task = Clusters(inputs=6, classes=2, moments=given.moments, held_out=1, nuisance=0)
    for with_weights in (True, False):
        for noise in (0.0, 0.01, 0.1):
            found = inferred(task, with_weights, noise, given.recordings)
            what = "activity and weights" if with_weights else "activity only"
            inside = np.mean((found.lower <= true) & (true <= found.upper))
            off = np.abs(found.values - true).max()
            print(f"\n{what}, noise {noise}: largest error {off:.4f}, ", end="")
            print(f"{inside:.0%} of the intervals hold the truth")
            print(report(found, true))
    print("\ncontrol: inputs of 0 or 1, activity and weights, noise 0.01")
    spikes = RateCode(task, steps=1)
    print(report(inferred(spikes, True, 0.01, given.recordings), true))


if __name__ == "__main__":
    main()
