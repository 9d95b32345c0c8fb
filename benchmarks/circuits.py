"""What each circuit learns with a hand-designed rule, beside the same circuit that does not.

    python benchmarks/circuits.py                        # prints the table
    python benchmarks/circuits.py --write docs/circuits.md

Digits, one pass: mean accuracy online, and on held-out examples afterwards. Three networks for
every row: all its plasticity; the readout's alone; none. Either of the first two at the best of the
rates, in hindsight, by online accuracy on the same lives. `--write` replaces lines of the table
between the marks in a document.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from section import say, table

from metaplast import circuits, tasks
from metaplast.circuits import Circuit
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import (
    Interneuron,
    Noisy,
    Nudged,
    Output,
    Pyramidal,
    Rate,
    Sensory,
    Settling,
)
from metaplast.neurons.interneuron import SOMATIC
from metaplast.positive import Positive
from metaplast.rules import (
    AbstractRule,
    AntiHebb,
    Decay,
    Delta,
    Factored,
    Mirror,
    Oja,
    Reciprocal,
    Total,
)

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
NEVER = 1e-30
"""A rate at which nothing changes."""
MOMENTS, LIVES, SEED = 300, 16, 0
INPUTS, CLASSES = 64, 10
MARKS = ("<!-- table -->", "<!-- /table -->")
SENSORY = {"input": Sensory(), "hidden": Rate()}


@dataclasses.dataclass(frozen=True)
class Row:
    """A circuit, and what its cells and synapses do at a rate."""

    name: str
    circuit: Circuit
    genome: Callable[[Any], Genome]


def delta(rate, factor: float = 1.0) -> Delta:
    """The delta rule at a rate that may be traced."""
    return Delta(Positive(jnp.log(factor * rate)))


def supervised(rate, *kinds: str, cells=SENSORY) -> Genome:
    """The delta rule at forward, readout and further synapses."""
    output = Output(rate=Positive(jnp.log(rate)))
    return Genome(
        {**cells, "output": output},
        {kind: delta(rate) for kind in ("forward", "readout", *kinds)},
    )


def signed(rate, cell=SENSORY["input"]) -> Genome:
    """Dale's law; gains as for rectified cells (He et al. 2015)."""
    cells = {"input": cell, "hidden": Rate("relu"), "inhibitory": Rate("linear")}
    taught = supervised(rate, cells=cells)
    gain = jnp.asarray(0.5 * math.log(2.0))
    gains = {"forward": gain, "readout": gain, "inhibiting": gain}
    # What everybody is driven by together changes most; so hidden synapses are slower.
    slower = {"forward": delta(rate, 0.1), "inhibiting": delta(rate, 0.01)}
    return Genome(taught.neurons, {**taught.rules, **slower}, gains)


def competing(rate) -> Genome:
    """Features without a teacher: Hebbian from below, anti-Hebbian among each other."""
    cells = {"input": Sensory(), "hidden": Settling("sigmoid", target=0.1, rate=0.02)}
    rules = {"forward": Oja(0.01), "lateral": AntiHebb(0.05, target=0.1)}
    taught = supervised(rate, cells=cells)
    return Genome(taught.neurons, {**taught.rules, **rules})


def mirrored(rate) -> Genome:
    """Kolen and Pollack: both ways change alike, and forget."""
    decay = 1e-3
    taught = supervised(rate)
    forth = {kind: Total((rule, Decay(decay))) for kind, rule in taught.rules.items()}
    back = Reciprocal(Positive(jnp.log(rate)), decay)
    return Genome(taught.neurons, {**forth, "feedback": back, "feedback_readout": back})


def noisy(rate) -> Genome:
    """The weight mirror."""
    size = 0.2
    taught = supervised(rate, cells={"input": Sensory(), "hidden": Noisy(Rate(), size)})
    back = Mirror(0.002, size**2)
    return Genome(taught.neurons, {**taught.rules, "feedback": back, "feedback_readout": back})


def microcircuit(rate) -> Genome:
    """Errors that interneurons leave over. What reaches a hidden layer is a tenth of an error."""
    cells = {
        "input": Sensory(),
        "hidden": Pyramidal(),
        "interneuron": Interneuron(),
        "interneuron_output": Interneuron("linear"),
        "output": Nudged(Output()),
    }
    one = jnp.ones(1)
    rules: dict[str, AbstractRule] = {
        "forward": Factored(3.0 * rate * one, 0.0),
        "readout": Factored(rate * one, 0.0),
        "predicting": Factored(rate / SOMATIC * one, 0.0),
        "cancelling": Factored(jnp.stack([0.0 * rate, -0.01 * rate]), 0.0),
    }
    return Genome(cells, rules)


def rows() -> tuple[Row, ...]:
    wide = (INPUTS, (64, 64), CLASSES)
    placed = (INPUTS, (4, 8), CLASSES)
    return (
        Row("layered", circuits.layered(*wide), supervised),
        Row("layered, direct feedback", circuits.layered(*wide, feedback="direct"), supervised),
        Row("sparse, density 0.2", circuits.sparse(*wide), supervised),
        Row("recurrent", circuits.recurrent(*wide),
            functools.partial(_with, supervised, ("recurrent",))),
        Row("decorrelating", circuits.decorrelating(INPUTS, (64,), CLASSES), competing),
        Row("excitatory_inhibitory", circuits.excitatory_inhibitory(*wide), signed),
        Row("excitatory_inhibitory, input not negative", circuits.excitatory_inhibitory(*wide),
            functools.partial(signed, cell=Rate("relu"))),
        Row("local", circuits.local(*placed), supervised),
        Row("convolutional", circuits.convolutional(*placed), supervised),
        Row("reciprocal, Kolen-Pollack", circuits.reciprocal(*wide), mirrored),
        Row("reciprocal, weight mirror", circuits.reciprocal(*wide), noisy),
        Row("dendritic", circuits.dendritic(*wide), microcircuit),
    )  # fmt: skip


def _with(make, kinds, rate):
    return make(rate, *kinds)


def only(genome: Genome, *kinds: str) -> Genome:
    """The genome with plasticity of the given kinds alone."""
    rules = {kind: rule for kind, rule in genome.rules.items() if kind in kinds}
    return Genome(genome.neurons, rules, genome.log_gains)


class Accuracy(NamedTuple):
    """By rate and life, `[rates, lives]`."""

    online: np.ndarray
    held_out: np.ndarray

    def best(self) -> int:
        """Number of the best rate."""
        return int(self.online.mean(1).argmax())


def accuracies(row: Row, rates: Sequence[float], lives: int, *kinds: str) -> Accuracy:
    """With plasticity of some kinds, or of all where none is given."""
    task = tasks.digits(moments=MOMENTS)
    arrays, static = eqx.partition(task, eqx.is_array)

    @jax.jit
    def lived(arrays, rates, keys):
        task = eqx.combine(arrays, static)

        def one(key):
            episode_key, life_key, test_key = jax.random.split(key, 3)
            episode = task.sample(episode_key)

            def at(rate):
                genome = row.genome(rate)
                net = PlasticNetwork(row.circuit, only(genome, *kinds) if kinds else genome)
                life, state = live(net, task, episode, life_key)
                answer = jax.vmap(lambda x: net.predict(state, x, test_key))(episode.test_stimuli)
                right = jnp.argmax(answer, -1) == episode.test_targets
                return life.accuracy, jnp.mean(right)

            return jax.vmap(at)(rates)

        return jax.lax.map(one, keys)

    keys = jax.random.split(jax.random.key(SEED), lives)
    return Accuracy(*(np.asarray(a).T for a in lived(arrays, jnp.asarray(rates), keys)))


def measured(row: Row, lives: int) -> list[str]:
    """A line of the table."""
    begun = time.perf_counter()
    every = accuracies(row, RATES, lives)
    alone = accuracies(row, (NEVER, *RATES), lives, "readout")
    best, other = every.best(), alone.best()
    genome, circuit = row.genome(jnp.asarray(RATES[0])), row.circuit
    plastic = [q for q in circuit.weighted if q.kind in genome.rules]
    say(f"{row.name}: {every.online.mean(1).round(3)} in {time.perf_counter() - begun:.0f} s")
    name, comma, more = row.name.partition(",")
    return [
        f"`{name}`{comma}{more}",
        f"{sum(math.prod(circuit.synapses(q)) for q in circuit.weighted)}",
        f"{sum(math.prod(circuit.shape(q)) for q in plastic)}",
        f"{RATES[best]:g}",
        f"{every.online[best].mean():.3f} ± {spread(every.online[best]):.3f}",
        f"{every.held_out[best].mean():.3f}",
        f"{alone.online[other].mean():.3f}",
        f"{alone.held_out[other].mean():.3f}",
        f"{alone.online[0].mean():.3f}",
    ]


def spread(values: np.ndarray) -> float:
    """Half of a 95 % interval of the mean."""
    return 1.96 * values.std(ddof=1) / math.sqrt(len(values))


HEADER = (
    "circuit", "synapses", "weights that change", "rate", "online", "held out",
    "readout alone, online", "held out", "frozen",
)  # fmt: skip


def updated(text: str, lines: list[str]) -> str:
    """A document with new lines in its table, in the place of those on the same circuits."""
    begin, end = MARKS
    before, _, rest = text.partition(begin)
    old, _, after = rest.partition(end)
    fresh = {line.split("|")[1]: line for line in lines}
    kept = [fresh.pop(line.split("|")[1], line) for line in old.strip().splitlines()]
    return "\n".join([f"{before}{begin}", *kept, *fresh.values(), f"{end}{after}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("names", nargs="*", help="beginnings of rows; all by default")
    parser.add_argument("--lives", type=int, default=LIVES)
    parser.add_argument("--write", type=Path, help="the document with the table")
    given = parser.parse_args()
    chosen = [r for r in rows() if not given.names or r.name.startswith(tuple(given.names))]
    lines = table(HEADER, [measured(row, given.lives) for row in chosen])
    print("\n".join(lines))
    if given.write:
        given.write.write_text(updated(given.write.read_text(encoding="utf-8"), lines), "utf-8")


if __name__ == "__main__":
    main()
