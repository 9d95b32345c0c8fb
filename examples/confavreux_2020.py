"""Confavreux et al. (2020): evolution rediscovers Oja's rule from what it does.

A meta-learning approach to (re)discover plasticity rules that carve a desired function into a
neural network. NeurIPS 2020. doi:10.1101/2020.10.24.353409

A cell's synapses change by a polynomial of pre-synaptic activity, post-synaptic activity and
weight. All that CMA-ES is told is how far the weights are, at the end of life, from the first
eigenvector of the stimuli's covariance. Which terms does it find?

    python examples/confavreux_2020.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, found, heading, last, row
from command import Command, as_command

from metaplast.circuits import layered
from metaplast.meta import Evolution
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Rate
from metaplast.objective import Score
from metaplast.rules import Oja, Polynomial
from metaplast.rules.polynomial import powers
from metaplast.types import Teaching

OJA = {(1, 1, 0): 1.0, (0, 2, 1): -1.0}
"""Powers of pre, post and weight: y x - y² w."""

DEVIATIONS = """\
Deviations from the paper: one cell with a few inputs; the variables of the polynomial are squashed
to [-1, 1], so stimuli are small; terms up to the third order that hold no error, 20 of them. The
paper reports that the parameters of Oja's rule are recovered; figures for this setting are not
given.
Which coefficients of a rule are found beyond what it must do is not unique: any rule with
the same fixed point is as good, so the table shows terms and the last lines what they are worth."""


class Nobody:
    """A teacher who says nothing."""

    def teach(self, readout, target) -> Teaching:
        return Teaching(jnp.zeros_like(readout), jnp.zeros(1))


class FirstEigenvector(eqx.Module):
    """Distance of the weights from the first eigenvector, mean over the last tenth of a life."""

    inputs: int = eqx.field(static=True)
    moments: int = eqx.field(static=True)
    size: float = eqx.field(static=True, default=0.4)
    """Standard deviation of the stimuli along the first eigenvector."""

    def __call__(self, genome: Genome, key):
        axis_key, stimulus_key, birth_key = jax.random.split(key, 3)
        axes = jnp.linalg.qr(jax.random.normal(axis_key, (self.inputs, self.inputs)))[0]
        deviations = self.size * 0.4 ** jnp.arange(self.inputs)
        normal = jax.random.normal(stimulus_key, (self.moments, self.inputs))
        stimuli = (normal * deviations) @ axes.T
        network = PlasticNetwork(layered(self.inputs, (), 1), genome)

        def moment(state, stimulus):
            state, _ = network.moment(state, stimulus, jnp.asarray(0), Nobody())
            w = state.weights["input->output"][0]
            # Either sign of an eigenvector is one.
            sign = jnp.where(w @ axes[:, 0] < 0, -1.0, 1.0)
            return state, jnp.sum((sign * w - axes[:, 0]) ** 2)

        _, far = jax.lax.scan(moment, network.born(birth_key), stimuli)
        loss = jnp.mean(far[-self.moments // 10 :])
        return loss, Score(loss, (loss < 0.1).astype(loss.dtype), jnp.zeros(()))


def genome(rule) -> Genome:
    cell = Rate("linear")
    return Genome({"input": cell, "output": cell}, {"readout": rule})


def named(exponents: tuple[int, ...]) -> str:
    """A term as a product of x, y and w."""
    factors = [f"{n}{'' if e == 1 else e}" for n, e in zip("xyw", exponents, strict=True) if e]
    return " ".join(factors) or "1"


def far(task: FirstEigenvector, rule, count: int, seed: int) -> np.ndarray:
    run = eqx.filter_jit(jax.vmap(lambda key: task(genome(rule), key)[0]))
    return np.asarray(run(jax.random.split(jax.random.key(seed), count)))


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    task = FirstEigenvector(options.inputs, options.moments)
    every = powers(3)
    first = genome(Polynomial(options.rate, 3, (0.0,) * len(every)))
    terms = [p for p in every if p[3] == 0]
    print(f"{len(terms)} terms, all zero at first; lives of {options.moments} moments, rate "
          f"{options.rate}")  # fmt: skip
    meta = Evolution("CMA_ES", options.population, options.meta_lives, 0.3, options.steps)
    theta = found(task, first, meta, options.steps, options.seed, "of lives arrived").rules[
        "readout"
    ].theta  # fmt: skip

    by_term = {p[:3]: float(c) for p, c in zip(every, theta, strict=True) if p[3] == 0}
    largest = max(abs(c) for c in by_term.values())
    print(f"\n{'term':12s}{'paper':>8s}   found, the largest as 1")
    for p, c in sorted(by_term.items(), key=lambda item: -abs(item[1]))[: options.shown]:
        print(f"{named(p):12s}{OJA.get(p, 0.0):8.1f}   {c / largest:+.2f}")

    heading("squared distance from the first eigenvector")
    seen = (options.lives, options.seed + 1)
    only = tuple(float(c) if p[:3] in OJA and p[3] == 0 else 0.0
                 for p, c in zip(every, theta, strict=True))  # fmt: skip
    row("found rule", NOT_GIVEN, far(task, Polynomial(options.rate, 3, tuple(map(float, theta))),
                                     *seen))  # fmt: skip
    row("its terms of Oja's rule alone", NOT_GIVEN, far(task, Polynomial(options.rate, 3, only),
                                                        *seen))  # fmt: skip
    row("Oja's rule by hand", NOT_GIVEN, far(task, Oja(options.rate), *seen))
    row("where the search began", NOT_GIVEN, far(task, first.rules["readout"], *seen))
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("inputs", 3)
    command.count("moments", 600, "length of a life")
    command.add_argument("--rate", type=float, default=0.2, help="what coefficients are counted in")
    command.evolution(300, 32, 4)
    command.count("shown", 8, "terms that are shown", least=0)
    command.compared(100)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
