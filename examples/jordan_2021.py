"""Jordan et al. (2021): evolution finds error-driven plasticity from how well a student follows.

Evolving interpretable plasticity for spiking networks. eLife 10:e66273. doi:10.7554/eLife.66273

A student cell and a teacher cell hear the same Poisson spikes, filtered by the synapse. The
student's synapses change at every millisecond, by what they can know: the filtered spikes s, the
own membrane potential u, and the teacher's v, which a second input imposes. All that CMA-ES is told
is how far u stays from v. The rule that gradient descent would take is (v - u) s. Which terms does
it find?

    python examples/jordan_2021.py

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
from metaplast.rules import Taylor
from metaplast.types import Teaching

HIGHEST = (1, 1, 0, 1)
"""Highest powers of s, u, the weight and v."""
ERROR_DRIVEN = {(1, 0, 0, 1): 1.0, (1, 1, 0, 0): -1.0}
"""Powers of s, u, weight and v: v s - u s."""
LOST = 1e3
"""What is reported of lives whose weights explode."""

DEVIATIONS = """\
Deviations from the paper: coefficients of the eight products of s, u and v, found by CMA-ES, for
symbolic expressions found by Cartesian genetic programming; cells that are linear in their
membrane potential; the teacher has no bias. The first table's column is the rule that two of the
paper's runs find exactly (its section on error-driven plasticity, Figure 4). It reports that about
half of the runs find rules that learn well, which come near to this one times a factor, beside
a constant that is negligible. Its errors are in curves; figures for the second table are not
given."""


class Teacher:
    """Tells its membrane potential, as the one broadcast value."""

    def __init__(self, potential):
        self.potential = potential

    def teach(self, readout, target) -> Teaching:
        return Teaching(jnp.zeros_like(readout), self.potential[None])


class FollowTheTeacher(eqx.Module):
    """Mean square distance of the student's potential from the teacher's, over the last third of a
    life, in units of the variance of the teacher's."""

    inputs: int = eqx.field(static=True)
    moments: int = eqx.field(static=True)
    frequency: float = eqx.field(static=True, default=40.0)
    """Of the spikes of every input, in Hz; a moment is 1 ms."""
    tau: float = eqx.field(static=True, default=10.0)
    """Time constant of the synapse, in ms."""
    rate: float = eqx.field(static=True, default=0.02)
    """What coefficients are counted in."""

    def filtered(self, key):
        """Spikes as a synapse filters them, `[moments, inputs]`."""
        spikes = jax.random.bernoulli(key, self.frequency / 1000.0, (self.moments, self.inputs))
        keep = jnp.exp(-1.0 / self.tau)

        def later(trace, spike):
            trace = keep * trace + spike
            return trace, trace

        return jax.lax.scan(later, jnp.zeros(self.inputs), spikes.astype(float))[1]

    def __call__(self, coefficients, key):
        wanted_key, spike_key, birth_key = jax.random.split(key, 3)
        wanted = jax.random.normal(wanted_key, (self.inputs,))
        filtered = self.filtered(spike_key)
        potentials = filtered @ wanted
        cell = Rate("linear")
        genome = Genome({"input": cell, "output": cell}, {"readout": rule(self, coefficients)})
        student = PlasticNetwork(layered(self.inputs, (), 1), genome)

        def moment(state, given):
            heard, potential = given
            state, own = student.moment(state, heard, jnp.asarray(0), Teacher(potential))
            return state, (own[0] - potential) ** 2

        _, far = jax.lax.scan(moment, student.born(birth_key), (filtered, potentials))
        loss = jnp.mean(far[-self.moments // 3 :]) / jnp.var(potentials)
        return loss, Score(loss, (loss < 0.1).astype(loss.dtype), jnp.zeros(()))


def rule(task: FollowTheTeacher, coefficients) -> Taylor:
    return Taylor(task.rate * coefficients)


def by_hand():
    """The coefficients of (v - u) s."""
    coefficients = np.zeros([power + 1 for power in HIGHEST])
    for powers, value in ERROR_DRIVEN.items():
        coefficients[powers] = value
    return jnp.asarray(coefficients, float)


def named(powers: tuple[int, ...]) -> str:
    """A term as a product."""
    factors = (name for name, power in zip("suwv", powers, strict=True) if power)
    return " ".join(sorted(factors, key="vusw".index)) or "1"


def far(task: FollowTheTeacher, coefficients, count: int, seed: int) -> np.ndarray:
    run = eqx.filter_jit(jax.vmap(lambda key: task(coefficients, key)[0]))
    values = np.asarray(run(jax.random.split(jax.random.key(seed), count)))
    return np.minimum(np.nan_to_num(values, nan=LOST, posinf=LOST), LOST)


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    task = FollowTheTeacher(options.inputs, options.moments)
    first = jnp.zeros([power + 1 for power in HIGHEST])
    print(f"{first.size} terms, all zero at first; lives of {options.moments} ms, "
          f"{options.inputs} inputs")  # fmt: skip
    meta = Evolution("CMA_ES", options.population, options.meta_lives, 0.3, options.steps)
    theta = found(task, first, meta, options.steps, options.seed, "of lives arrived")

    largest = float(jnp.abs(theta).max())
    print(f"\n{'term':12s}{'paper':>8s}   found, the largest as 1")
    for powers in sorted(np.ndindex(theta.shape), key=lambda p: -abs(float(theta[p]))):
        print(f"{named(powers):12s}{ERROR_DRIVEN.get(powers, 0.0):8.1f}   "
              f"{float(theta[powers]) / largest:+.2f}")  # fmt: skip

    heading("squared distance from the teacher, in its variance")
    seen = (options.lives, options.seed + 1)
    only = jnp.where(by_hand() == 0, 0.0, theta)
    row("found rule", NOT_GIVEN, far(task, theta, *seen))
    row("its terms of (v - u) s alone", NOT_GIVEN, far(task, only, *seen))
    row("(v - u) s by hand", NOT_GIVEN, far(task, by_hand(), *seen))
    row("where the search began", NOT_GIVEN, far(task, first, *seen))
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("inputs", 5)
    command.count("moments", 600, "length of a life, in ms", least=2)
    command.evolution(200, 32, 4)
    command.compared(100)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
