"""Mehta et al. (2024): which plasticity rule made these recordings?

Model-based inference of synaptic plasticity rules. NeurIPS 37. doi:10.1101/2023.12.11.571103

Several small networks that learn by Oja's rule are recorded. From the recordings a rule is
inferred, by least squares over whole trajectories: with activity and weights, with activity alone,
and at several levels of noise. The family is a Taylor series of 18 terms (powers of the
pre-synaptic activity x and the post-synaptic y up to 2, of the weight w up to 1), or a small
network in every synapse, of x, y and w. What was found is then asked for the weights of networks
that were not recorded. Of the series there are coefficients beside the truth, too, and a control in
which the rule *cannot* be had: inputs of 0 or 1, for which x² is x, so that only sums of
coefficients can be known; the report has to say so.

    python examples/mehta_2024.py
    python examples/mehta_2024.py --rule mlp

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, heading, last, row
from command import Command, as_command

from metaplast.circuits import layered
from metaplast.inference import Inferred, infer, record, report
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Rate
from metaplast.rules import AbstractRule, Oja, SynapticMLP, Taylor
from metaplast.tasks import Clusters, RateCode
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.wrapper import AbstractWrapper
from metaplast.types import Teaching

RATE = 0.05
KIND, PROJECTION, POPULATION = "readout", "input->output", "output"

DEVIATIONS = """\
Deviations from the paper: networks of 6 inputs and 2 cells; Gauss-Newton steps and no penalty on
the coefficients; the weights at birth are known; no behavior, no data of flies; the network in a
synapse is of softsign units, whose inputs are squashed. The paper reports that Oja's rule, and
rules with a reward, are recovered, and assesses how robust that is against noise; figures for this
set-up are not given."""


class Untaught(AbstractWrapper):
    """The inner task, in which nobody hears of a label: what is inferred is unsupervised."""

    @property
    def change_name(self) -> str:
        return "untaught"

    def change(self, episode, key):
        del key
        return episode

    def teach(self, readout, target) -> Teaching:
        return Teaching(jnp.zeros_like(readout), jnp.zeros(1))


def network(rule: AbstractRule, inputs: int, cells: int = 2) -> PlasticNetwork:
    """One layer of tanh cells, all of whose synapses have the rule."""
    neurons = {"input": Rate("linear"), "output": Rate("tanh")}
    return PlasticNetwork(layered(inputs, (), cells), Genome(neurons, {KIND: rule}))


def oja() -> Taylor:
    """Oja's rule as a point of the series."""
    return Taylor(Taylor().theta * (RATE / 0.01))


def blank(family: str, width: int) -> AbstractRule:
    """The rule at which the fit begins: no plasticity."""
    if family == "mlp":
        # Nobody is taught, so nothing is left of the delta rule, to which its network adds.
        return SynapticMLP(RATE, width)
    return Taylor(jnp.zeros_like(Taylor().theta))


def inferred(
    family: AbstractRule, task: AbstractTask, with_weights: bool, noise: float, recordings: int,
    evaluations: int, seed: int = 0,
) -> Inferred:  # fmt: skip
    """Record Oja's rule, and infer it from nothing."""
    seen = record(
        network(Oja(RATE), task.inputs), task, [POPULATION], [PROJECTION] if with_weights else [],
        recordings, jax.random.key(seed), noise, noise,
    )  # fmt: skip
    return infer(network(family, task.inputs), KIND, task, seen, evaluations=evaluations)


def grown(rule: AbstractRule, task: AbstractTask, count: int, seed: int = 1) -> np.ndarray:
    """By how much the weights of `count` networks that were not recorded change since birth."""
    seen = record(network(rule, task.inputs), task, [], [PROJECTION], count, jax.random.key(seed))
    weights = np.asarray(seen.seen.weights[PROJECTION], float)
    return weights - np.asarray(seen.born.weights[PROJECTION], float)[:, None]


def explained(other: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Percent of the squared changes of each network that another rule explains."""
    far = np.sum((other - true) ** 2, axis=(1, 2, 3))
    return 100 * (1 - far / np.sum(true**2, axis=(1, 2, 3)))


def show_terms(found: list[Inferred], true: np.ndarray) -> None:
    """Every coefficient of the first fit beside the truth, and how many intervals hold it."""
    inside = np.mean([(each.lower <= true) & (true <= each.upper) for each in found])
    off = np.abs(found[0].values - true).max()
    sets = f" in {len(found)} sets of recordings" if found[1:] else ""
    print(f"largest error {off:.4f}, {inside:.0%} of the intervals hold the truth{sets}")
    print(report(found[0], true))


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    true = np.asarray(oja().theta).ravel()
    task = Untaught(Clusters(inputs=6, classes=2, moments=options.moments, held_out=1, nuisance=0))
    family = blank(options.rule, options.width)
    print(f"Oja's rule in networks of 6 inputs and 2 cells, {options.recordings} recordings of "
          f"{options.moments} moments; family: {type(family).__name__}")  # fmt: skip
    rows = {}
    for with_weights in (True, False):
        for noise in options.noise:
            fits = [
                inferred(
                    family, task, with_weights, noise, options.recordings, options.evaluations, seed
                )
                for seed in range(options.sets)
            ]
            found = fits[0]
            what = "activity and weights" if with_weights else "activity alone"
            rows[f"{what}, noise {noise:g}"] = found
            ended = "" if found.converged else ", not converged"
            print(f"\n{what}, noise {noise:g}: of what was recorded, {found.explained:.4f} of the "
                  f"variance explained{ended}", flush=True)  # fmt: skip
            if options.rule == "taylor":
                show_terms(fits, true)
    if options.rule == "taylor":
        print("\ncontrol: inputs of 0 or 1, activity and weights, noise 0.01")
        spikes = RateCode(task, steps=1)
        control = inferred(family, spikes, True, 0.01, options.recordings, options.evaluations)
        show_terms([control], true)

    heading("change of weights explained, in %, in networks not recorded")
    changes = grown(Oja(RATE), task, options.lives)
    hebb = Taylor(oja().theta.at[0, 2, 1, 0].set(0.0))
    rules = {name: found.rule for name, found in rows.items()}
    rules |= {"Oja's rule without its decay": hebb, "no plasticity, where it began": family}
    for name, rule in rules.items():
        row(name, NOT_GIVEN, explained(grown(rule, task, options.lives), changes))
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.add_argument("--rule", choices=("taylor", "mlp"), default="taylor", help="the family")
    command.count("width", 8, "units of the network in a synapse")
    command.several("noise", "0,0.01,0.1", "of the recordings, each in turn", least=0)
    command.count("recordings", 20)
    command.count("sets", 1, "of recordings, each fitted, whose intervals are counted")
    command.count("moments", 50, "of a recording")
    command.count("evaluations", 100, "most steps of a fit")
    command.count("lives", 20, "networks that were not recorded", least=2)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
