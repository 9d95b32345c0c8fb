"""Gerstner et al. (2018): three factors, and how long a synapse remembers that it was eligible.

Eligibility traces and plasticity on behavioral time scales: experimental support of neoHebbian
three-factor learning rules. Frontiers in Neural Circuits 12, 53. doi:10.3389/fncir.2018.00053

Spikes on both sides of a synapse make it eligible; whether it changes is said by a third
factor that comes later and is heard by all synapses alike. Here spiking cells see patterns of
Poisson spikes, the one that fires most is the answer, and success is told after a silence that is
longer than the window in which pairs of spikes strengthen. Windows, third factor and eligibility
are those of `rules.TraceKernel`; evolution moves its numbers, from spike timing whose eligibility
lasts no longer than that window.

    python examples/gerstner_2018.py

prints both sides: what the paper reports, and what was measured just now.
"""

from __future__ import annotations

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from beside import NOT_GIVEN, found, heading, last, numbers, row
from command import Command, as_command

from metaplast.circuits import Circuit, Population, Projection
from metaplast.meta import Evolution
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import LIF, Rate
from metaplast.objective import Score
from metaplast.rules import TraceKernel
from metaplast.types import Cell, Teaching

RATES = (0.03, 0.1, 0.3, 1.0)
TAUS = (5.6, 16.8, 50.0, 150.0)

DEVIATIONS = """\
Deviations from the paper: it is a review of experiments and of the theory that they support, with
no simulation to repeat, so the task is ours: tens of milliseconds between spikes and success, where
its eligibility lasts for a second; success less its running mean as the third factor; answers
compete by inhibition; weights stop at zero. The paper reports that synapses stay eligible on the
time scale of seconds until a third factor comes; a figure to stand beside these is not given.
Rates and eligibilities of the rules by hand are the best of a grid in hindsight, on the lives that
are shown."""


class Teacher:
    """Tells everybody how much better it went than usual, as the one broadcast value."""

    def __init__(self, surprise):
        self.surprise = surprise

    def teach(self, readout, target) -> Teaching:
        return Teaching(jnp.zeros_like(readout), jnp.reshape(self.surprise, (1,)))


class LateSuccess(eqx.Module):
    """Failures over a life of trials: spikes, an answer, silence, and then a word of success."""

    inputs: int = eqx.field(static=True)
    classes: int = eqx.field(static=True)
    trials: int = eqx.field(static=True)
    shown: int = eqx.field(static=True, default=20)
    """How long a pattern is shown, in ms; a moment is 1 ms."""
    delay: int = eqx.field(static=True, default=30)
    """Silence between pattern and success, in ms."""
    pause: int = eqx.field(static=True, default=20)
    """Silence before the next trial, in ms."""
    frequency: float = eqx.field(static=True, default=120.0)
    """Of those inputs that a pattern drives, in Hz: a quarter of them."""

    def network(self, kernel: TraceKernel) -> PlasticNetwork:
        forward = Projection("input->output", "forward", "input", "output", "basal", sign=1)
        compete = Projection(
            "output->output", "competition", "output", "output", "lateral", birth="even",
            wiring="others", scale=2.0 * (self.classes - 1), sign=-1,
        )  # fmt: skip
        populations = (
            Population("input", self.inputs, "input"),
            Population("output", self.classes, "output"),
        )
        genome = Genome({"input": Rate("linear"), "output": LIF(10.0)}, {"forward": kernel})
        return PlasticNetwork(Circuit(populations, (forward, compete)), genome)

    def through(self, network, state, spikes, surprises):
        """The network after some moments, and how often each output cell has fired."""

        def moment(state, given):
            (spikes, surprise), fired = given, {}

            def heard(population, phase, value):
                if isinstance(value, Cell):
                    fired[population] = value.activity

            state, _ = network.moment(state, spikes, jnp.asarray(0), Teacher(surprise), None, heard)
            return state, fired["output"]

        state, fired = jax.lax.scan(moment, state, (spikes, surprises))
        return state, jnp.sum(fired, 0)

    def successes(self, kernel: TraceKernel, key):
        """Whether each trial of a life was a success."""
        network = self.network(kernel)
        birth_key, pattern_key, life_key = jax.random.split(key, 3)
        ranks = jax.random.uniform(pattern_key, (self.classes, self.inputs))
        driven = ranks > jnp.quantile(ranks, 0.75, axis=1, keepdims=True)
        chances = self.frequency / 1000.0 * driven

        silence = jnp.zeros((self.delay + 1 + self.pause, self.inputs))
        told = jnp.arange(silence.shape[0]) == self.delay

        def trial(carry, key):
            state, usual = carry
            class_key, spike_key, tie_key = jax.random.split(key, 3)
            target = jax.random.randint(class_key, (), 0, self.classes)
            size = (self.shown, self.inputs)
            spikes = jax.random.bernoulli(spike_key, chances[target], size).astype(float)
            state, fired = self.through(network, state, spikes, jnp.zeros(self.shown))
            answer = jnp.argmax(fired + jax.random.uniform(tie_key, fired.shape))
            right = (answer == target).astype(float)
            state, _ = self.through(network, state, silence, told * (right - usual))
            return (state, 0.9 * usual + 0.1 * right), right

        begin = (network.born(birth_key), jnp.asarray(1.0 / self.classes))
        return jax.lax.scan(trial, begin, jax.random.split(life_key, self.trials))[1]

    def __call__(self, kernel: TraceKernel, key):
        right = self.successes(kernel, key)
        loss = 1.0 - jnp.mean(right)
        return loss, Score(loss, jnp.mean(right[-self.trials // 3 :]), jnp.zeros(()))


def units(start: TraceKernel) -> TraceKernel:
    """By how much a step of 1 moves each number: what acts at every moment, and traces that last
    long, do more than the others where they move as far."""
    alike = jax.tree.map(jnp.ones_like, start)
    return eqx.tree_at(
        lambda k: (k.pre, k.post, k.third), alike,
        (jnp.asarray([1.0, 0.1]), jnp.asarray([1.0, 0.1]), jnp.asarray([0.003, 0.003, 0.3])),
    )  # fmt: skip


def moved(start: TraceKernel, steps: TraceKernel) -> TraceKernel:
    """The kernel that lies some steps from the first one."""
    return jax.tree.map(lambda at, unit, step: at + unit * step, start, units(start), steps)


class Around(eqx.Module):
    """The same objective, of the steps from a first kernel."""

    task: LateSuccess
    start: TraceKernel

    def __call__(self, steps: TraceKernel, key):
        return self.task(moved(self.start, steps), key)


def late(task: LateSuccess, kernel: TraceKernel, count: int, seed: int) -> np.ndarray:
    """Percent of the trials in the last third of each life that were a success."""
    return 100 * np.asarray(_late(task, kernel, jax.random.split(jax.random.key(seed), count)))


@eqx.filter_jit
def _late(task, kernel, keys):
    return jax.vmap(lambda key: task(kernel, key)[1].accuracy)(keys)


def rewarded(rate: float, tau: float) -> TraceKernel:
    """Pair STDP whose eligibility waits for success: `RewardSTDP` with a third factor around 0."""
    return TraceKernel(rate, third=(0.0, 0.0, 1.0), tau=tau)


def slope_triggered(rate: float, tau: float) -> TraceKernel:
    """The eligibility of e-prop, which waits for success."""
    return TraceKernel(
        rate, post=(0.0, 0.0), tau_pre=(10.0, 101.0), triggers=(0.0, 1.0), third=(0.0, 0.0, 1.0),
        tau=tau,
    )  # fmt: skip


def show_kernel(start: TraceKernel, kernel: TraceKernel) -> None:
    """What the search made of the numbers."""
    print(f"\n{'number':36s}{'start':>10s}{'found':>10s}")

    def window(rule, lag):
        """Eligibility of a pair of spikes, the pre-synaptic one `lag` ms before the other."""
        weights, taus = (rule.pre, rule.tau_pre) if lag >= 0 else (rule.post, rule.tau_post)
        each = [
            float(w) * np.exp(-abs(lag) / float(t.value))
            for w, t in zip(weights, taus, strict=True)
        ]
        return sum(each) * (float(rule.triggers[0]) if lag >= 0 else 1.0)

    rows = {
        "eligibility lasts, ms": lambda rule: float(rule.tau.value),
        "third factor: always": lambda rule: float(rule.third[0]),
        "third factor: success": lambda rule: float(rule.third[2]),
        "trigger: slope": lambda rule: float(rule.triggers[1]),
        **{
            f"window, pre {lag} ms before post": lambda rule, lag=lag: window(rule, lag)
            for lag in (0, 20)
        },
        **{
            f"window, pre {lag} ms after post": lambda rule, lag=lag: window(rule, -lag)
            for lag in (1, 20)
        },
    }
    for name, value in rows.items():
        print(f"{name:36s}{value(start):10.2f}{value(kernel):10.2f}")


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    begun = time.perf_counter()
    task = LateSuccess(options.inputs, options.classes, options.trials, delay=options.delay)
    first = rewarded(options.rate, options.tau)
    print(f"{options.inputs} inputs, {options.classes} spiking cells, {options.trials} trials, "
          f"success {options.delay} ms late; {numbers(first)} numbers evolve")  # fmt: skip
    meta = Evolution("CMA_ES", options.population, options.meta_lives, 0.3, options.steps)
    still = jax.tree.map(jnp.zeros_like, first)
    steps = found(Around(task, first), still, meta, options.steps, options.seed, "late success")
    kernel = moved(first, steps)

    heading("success in the last third of a life, in %")
    seen = (options.lives, options.seed + 1)
    row("found kernel", NOT_GIVEN, late(task, kernel, *seen))
    row("where the search began", NOT_GIVEN, late(task, first, *seen))
    short = eqx.tree_at(lambda k: k.tau.log, kernel, first.tau.log)
    row("found kernel, eligibility at first", NOT_GIVEN, late(task, short, *seen))
    for label, make, taus in (
        ("pair STDP, hears no success", lambda rate, _: TraceKernel(rate, tau=1.0), TAUS[:1]),
        ("pair STDP that waits for success", rewarded, TAUS),
        ("e-prop's trace, waits for success", slope_triggered, TAUS),
    ):
        grid = [(rate, tau) for rate in RATES for tau in taus]
        each = [late(task, make(rate, tau), *seen) for rate, tau in grid]
        best = max(range(len(grid)), key=lambda index: each[index].mean())
        rate, tau = grid[best]
        note = f"best rate {rate:.3g}" + (f", {tau:.0f} ms" if len(taus) > 1 else "")
        row(label, NOT_GIVEN, each[best], note)
    twice = LateSuccess(options.inputs, options.classes, options.trials, delay=2 * options.delay)
    row("found kernel, twice as late", NOT_GIVEN, late(twice, kernel, *seen))
    show_kernel(first, kernel)
    last(DEVIATIONS, begun)


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("inputs", 30, least=2)
    command.count("classes", 3, "patterns, and spiking cells", least=2)
    command.count("trials", 150, "trials in a life")
    command.count("delay", 30, "ms until success is told", least=0)
    command.add_argument("--rate", type=float, default=0.3, help="of the kernel, at first")
    command.add_argument("--tau", type=float, default=16.8, help="ms of eligibility, at first")
    command.evolution(40, 16, 8)
    command.compared(60)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
