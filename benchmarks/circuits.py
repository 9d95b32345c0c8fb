"""What each circuit learns with a hand-designed rule, beside the same circuit that does not.

    python benchmarks/circuits.py                        # prints the table
    python benchmarks/circuits.py --write docs/circuits.md

Digits, one pass, mean online accuracy. Three networks for every row: all its plasticity; the
readout's alone; none. Either of the first two at the best of the rates, in hindsight and on the
same lives. `--write` replaces the table between the marks in a document.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from section import say, table

from metaplast import circuits, spec, tasks
from metaplast.circuits import Circuit
from metaplast.experiment import build_genome
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
from metaplast.positive import Positive
from metaplast.rules import (
    AntiHebb,
    Decay,
    Delta,
    Factored,
    Mirror,
    Oja,
    Reciprocal,
    Total,
)

RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
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
    rates: tuple[float, ...] = RATES


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


def signed(rate) -> Genome:
    cells = {"input": Rate("relu"), "hidden": Rate("relu"), "inhibitory": Rate("linear")}
    return supervised(rate, "inhibiting", cells=cells)


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
    rules = {
        "forward": Factored(10.0 * rate * one, 0.0),
        "readout": Factored(rate * one, 0.0),
        "predicting": Factored(rate * one, 0.0),
        "cancelling": Factored(jnp.stack([0.0 * rate, -0.1 * rate]), 0.0),
    }
    return Genome(cells, rules)


def associating(rate) -> Genome:
    """The start of the experiment `digits`, whose rules have no rate to choose."""
    return build_genome(spec.load("digits")["genome"])


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
        Row("local", circuits.local(*placed), supervised),
        Row("convolutional", circuits.convolutional(*placed), supervised),
        Row("reciprocal, Kolen-Pollack", circuits.reciprocal(*wide), mirrored),
        Row("reciprocal, weight mirror", circuits.reciprocal(*wide), noisy),
        Row("dendritic", circuits.dendritic(*wide), microcircuit),
        Row("associative", circuits.associative(*wide), associating, (1.0,)),
    )  # fmt: skip


def _with(make, kinds, rate):
    return make(rate, *kinds)


def only(genome: Genome, *kinds: str) -> Genome:
    """The genome with plasticity of the given kinds alone."""
    rules = {kind: rule for kind, rule in genome.rules.items() if kind in kinds}
    return Genome(genome.neurons, rules, genome.log_gains)


def accuracies(row: Row, kinds: tuple[str, ...] | None, lives: int) -> np.ndarray:
    """Mean online accuracy `[rates, lives]` with plasticity of some kinds, or of all."""
    task = tasks.digits(moments=MOMENTS)
    arrays, static = eqx.partition(task, eqx.is_array)

    @jax.jit
    def lived(arrays, rates, keys):
        task = eqx.combine(arrays, static)

        def one(key):
            episode_key, life_key = jax.random.split(key)
            episode = task.sample(episode_key)

            def at(rate):
                genome = row.genome(rate)
                genome = genome if kinds is None else only(genome, *kinds)
                return live(PlasticNetwork(row.circuit, genome), task, episode, life_key)[0]

            return jax.vmap(at)(rates).accuracy

        return jax.lax.map(one, keys)

    keys = jax.random.split(jax.random.key(SEED), lives)
    return np.asarray(lived(arrays, jnp.asarray(row.rates), keys)).T


def measured(row: Row, lives: int) -> list[str]:
    """A line of the table."""
    begun = time.perf_counter()
    every, readout, frozen = (accuracies(row, k, lives) for k in (None, ("readout",), ()))
    best = every.mean(1).argmax()
    whole, alone = every[best], readout[readout.mean(1).argmax()]
    gain = whole - alone
    genome = row.genome(jnp.asarray(row.rates[0]))
    plastic = [q for q in row.circuit.weighted if q.kind in genome.rules]
    say(f"{row.name}: {every.mean(1).round(3)} in {time.perf_counter() - begun:.0f} s")
    return [
        f"`{row.name.split(',')[0]}`{row.name[len(row.name.split(',')[0]):]}",
        f"{sum(math.prod(row.circuit.synapses(q)) for q in row.circuit.weighted)}",
        f"{sum(math.prod(row.circuit.shape(q)) for q in plastic)}",
        f"{row.rates[best]:g}" if len(row.rates) > 1 else "none",
        f"{whole.mean():.3f} ± {spread(whole):.3f}",
        f"{alone.mean():.3f}",
        f"{gain.mean():+.3f} ± {spread(gain):.3f}",
        f"{frozen[0].mean():.3f}",
    ]  # fmt: skip


def spread(values: np.ndarray) -> float:
    """Half of a 95 % interval of the mean."""
    return 1.96 * values.std(ddof=1) / math.sqrt(len(values))


HEADER = (
    "circuit", "synapses", "weights that change", "rate", "all plastic", "readout alone",
    "difference", "frozen",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="beginnings of rows; all by default")
    parser.add_argument("--lives", type=int, default=LIVES)
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    given = parser.parse_args()
    chosen = [r for r in rows() if not given.names or r.name.startswith(tuple(given.names))]
    lines = table(HEADER, [measured(row, given.lives) for row in chosen])
    print("\n".join(lines))
    if given.write:
        text = given.write.read_text(encoding="utf-8")
        begin, end = map(re.escape, MARKS)
        inner = "\n".join(["", *lines, ""])
        fresh = re.sub(f"({begin}).*({end})", lambda m: m[1] + inner + m[2], text, flags=re.S)
        given.write.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
