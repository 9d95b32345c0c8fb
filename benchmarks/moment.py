"""One moment of `Factored` against one moment of backprop with Adam, in the same network.

    python benchmarks/moment.py [--quick] [--json]

Two hidden layers of equal width, 64 inputs, 10 outputs; all lives in one program. Births are not
timed: a repetition goes on from where the last one ended, with the same stimuli.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
from interleaved import Contender, Times, interleave, interleave_alone, short
from section import Claim, Section, run, say

from metaplast.circuits import layered
from metaplast.learners.backprop import Backprop
from metaplast.lifetime import Learner, unroll
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.rules import Factored
from metaplast.tasks import Clusters
from metaplast.types import Episode

INPUTS, CLASSES = 64, 10
FACTORED, ADAM = "Factored", "backprop+Adam"
AIM = 1.0
SECONDS = 0.4
"""About how long a repetition should take."""
SHARE, SHARE_ALONE = 0.7, 0.9
"""Of the memory that is available, how much a pair of contenders may take, or one of them."""


class Cell(NamedTuple):
    """One cell of the table: a width and a number of lives."""

    width: int
    lives: int
    together: bool = True
    """Whether both contenders fit into memory at once."""
    note: str = ""
    """What a reader has to know of this cell."""

    @property
    def synapses(self) -> int:
        """Weights that change, in one life."""
        return self.width * (INPUTS + self.width + CLASSES)

    @property
    def moments(self) -> int:
        """Moments in a repetition: from the bytes that pass, at a guess of 12 GB a second."""
        passing = self.lives * (30.0 * self.synapses + 10_000.0)
        return max(1, min(10_000, int(SECONDS * 12e9 / passing)))


def measure(quick: bool) -> Section:
    section = Section("A moment of plasticity against a moment of backprop")
    section.write(
        f"`Factored` (one channel, decay, fixed random feedback) against backprop with Adam in "
        f"{INPUTS}-width-width-{CLASSES}, microseconds per life and moment (median). A ratio "
        "above 1 says that plasticity is slower."
    )
    widths, populations = ((64,), (1, 32)) if quick else ((64, 256, 1024), (1, 32, 1024))
    rows, notes = [], []
    for width in widths:
        for lives in populations:
            cell = fitting(Cell(width, lives))
            notes += [cell.note] if cell.note else []
            rows.append(row(section, cell, 3 if quick else 7))
    section.table(
        ("width", "lives", "moments", f"{FACTORED} us", f"{ADAM} us", "ratio", "to prepare, s"),
        rows,
    )
    for note in notes:
        section.write(note)
    return section


def row(section: Section, cell: Cell, repetitions: int) -> list:
    """Measure one cell, and claim its ratio."""
    say(f"moment: width {cell.width}, {cell.lives} lives, {cell.moments} moments")
    times = compare(cell, repetitions)
    ratio = times.ratio(FACTORED, ADAM)
    scale = 1e6 / (cell.lives * cell.moments)
    where = f"width {cell.width}, {cell.lives} {'life' if cell.lives == 1 else 'lives'}"
    section.claims.append(Claim(f"moment of Factored / backprop+Adam, {where}", ratio, most=AIM))
    return [
        cell.width, cell.lives, cell.moments,
        *(short(times.of(name).median * scale) for name in (FACTORED, ADAM)),
        ratio, ", ".join(short(times.preparing[name]) for name in (FACTORED, ADAM)),
    ]  # fmt: skip


def learners(width: int) -> dict[str, Learner]:
    return {
        FACTORED: factored((width, width)),
        ADAM: Backprop((INPUTS, width, width, CLASSES), "adam", 0.001, "tanh"),
    }


def factored(hidden: tuple[int, ...]) -> PlasticNetwork:
    """A layered network whose every synapse follows `Factored`, feedback random."""
    neurons = {"input": Rate("linear"), "hidden": Rate("tanh"), "output": Output("softmax")}
    rules = {"forward": Factored((0.01,)), "readout": Factored((0.01,))}
    return PlasticNetwork(layered(INPUTS, hidden, CLASSES), Genome(neurons, rules))


def compare(cell: Cell, repetitions: int) -> Times:
    task = Clusters(inputs=INPUTS, moments=cell.moments, held_out=1)
    keys = jax.random.split(jax.random.key(0), cell.lives)
    episodes = jax.jit(jax.vmap(task.sample))(keys)
    contenders = [
        Contender(name, lambda learner=learner: living(learner, task, episodes, keys))
        for name, learner in learners(cell.width).items()
    ]
    times = (interleave if cell.together else interleave_alone)(contenders, repetitions)
    gc.collect()
    return times


def stretch(learner: Learner, task: Clusters) -> Callable:
    """Every life lives its stretch of experience once more."""

    def one(begin, experience, key):
        after, (_, loss) = unroll(learner, task, begin, experience, key)
        return after, jnp.mean(loss)

    return jax.jit(jax.vmap(one), donate_argnums=0)


def living(learner: Learner, task: Clusters, episodes: Episode, keys) -> Callable:
    """Birth and a first stretch; what is returned lives the same stretch from there on."""
    experience = (episodes.stimuli, episodes.targets)
    program = stretch(learner, task)
    # A few at a time: the draws of all at once would take as much memory as the lives.
    born = jax.jit(lambda keys: jax.lax.map(partial(newborn, learner), keys, batch_size=8))
    lives = [born(keys)]

    def once():
        lives[0], loss = jax.block_until_ready(program(lives[0], experience, keys))
        return loss

    loss = once()
    # Numbers that are not finite, or all zero, would not cost what living costs.
    assert bool(jnp.all(jnp.isfinite(loss) & (loss > 0)))
    return once


def newborn(learner: Learner, key):
    """What `unroll` begins with."""
    return learner.born(key), jnp.asarray(True), jnp.asarray(0)


def fitting(cell: Cell) -> Cell:
    """The cell as it can be measured here: both at once, one after the other, or with the most
    lives that fit."""
    if 4.0 * cell.synapses * cell.lives < 1e8:  # far from it
        return cell
    needed, available = sizes(cell), free()
    together, alone = SHARE * available, SHARE_ALONE * available
    if sum(needed.values()) <= together:
        return cell
    told = " and ".join(f"{size:.1f} GB for {name}" for name, size in needed.items())
    about = (
        f"{cell.lives} lives at width {cell.width} need {told}, and {available:.1f} GB were free"
    )
    if max(needed.values()) <= alone:
        return cell._replace(
            together=False,
            note=f"{about}: each of the two was built anew for every repetition, when the other "
            "was gone.",
        )
    most = cell
    while sum(sizes(most).values()) > together:
        most = Cell(cell.width, most.lives // 2)
    return most._replace(note=f"{about}. Measured instead: {most.lives} lives.")


def sizes(cell: Cell) -> dict[str, float]:
    """Gigabytes that each contender needs."""
    return {name: gigabytes(learner, cell) for name, learner in learners(cell.width).items()}


def gigabytes(learner: Learner, cell: Cell) -> float:
    """What XLA plans to allocate for a stretch of lives, found without allocating it."""
    task = Clusters(inputs=INPUTS, moments=cell.moments, held_out=1)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), cell.lives))
    lives = jax.eval_shape(jax.vmap(lambda key: newborn(learner, key)), keys)
    seen = jax.eval_shape(jax.vmap(task.sample), keys)
    planned = stretch(learner, task).lower(lives, (seen.stimuli, seen.targets), keys)
    used = planned.compile().memory_analysis()
    arguments = used.argument_size_in_bytes + used.output_size_in_bytes
    return (arguments - used.alias_size_in_bytes + used.temp_size_in_bytes) / 1e9


def free() -> float:
    """Gigabytes of memory that are available."""
    available = next(
        line for line in Path("/proc/meminfo").read_text().splitlines() if "MemAvailable" in line
    )
    return int(available.split()[1]) * 1024 / 1e9


if __name__ == "__main__":
    run(measure, __doc__)
