"""Bellec et al. (2020): spiking cells that learn digits online, with fixed random feedback.

A solution to the learning dilemma for recurrent networks of spiking neurons.
Nature Communications 11, 3625. doi:10.1038/s41467-020-17236-y

One layer of integrate-and-fire cells with hard spikes sees 1300 handwritten digits, each
once, for 20 ms. Every synapse multiplies what its two ends know at every millisecond: the filtered
spikes below, and the errors that arrive from the output cells over fixed random weights, times the
slope of the spike. No gradient is propagated through time or through weights.

    python examples/bellec_2020.py
"""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import numpy as np
from command import Command, as_command

from metaplast.learners.spiking import spiking
from metaplast.lifetime import live, test_accuracy
from metaplast.tasks import digits

ROWS = {
    "e-prop, random feedback": ("direct", 1.0),
    "e-prop, symmetric feedback": ("symmetric", 1.0),
    "readout only": ("none", 0.0),
}
"""Feedback, and whether hidden synapses learn."""

DEVIATIONS = """\
Deviations from the paper: digits of 8 x 8 pixels for speech and games; no recurrent synapses and no
adaptation; the eligibility is not filtered by the readout; rates of firing are not regularized. The
paper reports that e-prop approaches backpropagation through time on its tasks. The authors' code
to its Figure 3 (IGITUGraz/eligibility_propagation) says that e-prop with random feedback errs in
less than 7 % of the trials in which evidence is accumulated after some 200 to 500 iterations; a
figure for frames of speech, the task that is nearest to digits, is not given.
Rates are the best of those tried in hindsight, on the lives that are shown."""


def lives(feedback: str, learns: float, options):
    """Online, late and held-out accuracy `[rates, lives]`; all rows live the same lives."""
    task = digits(options.moments, split="all")
    rates = jnp.asarray(options.rates)

    def one(rate, key):
        task_key, life_key = jax.random.split(key)
        episode = task.sample(task_key)
        learner = spiking(
            task.inputs, (options.hidden,), task.classes, rate, learns * options.ratio * rate,
            options.steps, options.pause, options.encoding, feedback, options.drive,
        )  # fmt: skip
        life, state = live(learner, task, episode, life_key)
        late = jnp.mean(life.correct[-300:].astype(jnp.float32))
        return life.accuracy, late, test_accuracy(learner, state, episode)

    keys = jax.random.split(jax.random.key(options.seed), options.lives)
    together = jax.vmap(one, (None, 0))
    run = jax.jit(lambda: jax.lax.map(lambda rate: together(rate, keys), rates))
    return rates, [100 * np.asarray(accuracy) for accuracy in run()]


def mean_and_interval(accuracy) -> str:
    return f"{accuracy.mean():5.1f} ± {1.96 * accuracy.std(ddof=1) / len(accuracy) ** 0.5:3.1f}"


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    started = time.perf_counter()
    print(f"64-{options.hidden}-10 cells, {options.moments} digits, {options.steps} steps of 1 ms "
          f"each, encoded as {options.encoding}; {options.lives} lives")  # fmt: skip
    print(f"{'accuracy in %':30s}  online    last 300    held-out   best in hindsight  seconds")
    for name, (feedback, learns) in ROWS.items():
        begun = time.perf_counter()
        rates, (online, late, held_out) = lives(feedback, learns, options)
        best = int(np.argmax(online.mean(1)))
        shown = "  ".join(mean_and_interval(each[best]) for each in (online, late, held_out))
        seconds = time.perf_counter() - begun
        edge = ", the edge" if best in (0, len(rates) - 1) else ""
        print(f"{name:30s}{shown}   {rates[best]:8.3g}   {seconds:15.1f}{edge}", flush=True)
    print(f"\n{DEVIATIONS}\n\nwall time {time.perf_counter() - started:.0f} s")


def _options(arguments: list[str] | None):
    command = Command(__doc__)
    command.count("moments", 1300, "digits in a life")
    command.count("hidden", 100, "spiking cells")
    command.count("steps", 20, "ms for which a digit is shown")
    command.count("pause", 20, "ms of silence before each digit", least=0)
    encodings = ("current", "rate", "latency")
    command.add_argument("--encoding", choices=encodings, default="current", help="of a digit")
    command.add_argument("--drive", type=float, default=0.3, help="strength of forward synapses")
    command.several("rates", "0.001,0.003,0.01,0.03,0.1", "tried, the best one counts")
    command.add_argument("--ratio", type=float, default=1.0, help="hidden rate over readout rate")
    command.compared(4)
    return command.parsed(arguments)


if __name__ == "__main__":
    as_command(main)
