"""What searches without a derivative find, beside backprop through lives.

    python benchmarks/evolution.py [--quick] [--json]

The experiment `digits`, every search from the same start; found rules live the same lives of the
comparison pool, which no search sees.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from interleaved import Spread, short
from section import Claim, Section, run, say

from metaplast.experiment import Experiment, build
from metaplast.meta import NRES, Evolution
from metaplast.network import Genome
from metaplast.objective import Objective
from metaplast.search import begin, found, search
from metaplast.spec import load
from metaplast.spread import spread, use_cores
from metaplast.tasks import digits

AIM = 0.99
STRETCH = 30
LIVES = 32
SPREAD = 0.03
BOUND = (
    "The start of `digits` is a strong hand-designed cell that leaves little to find, so any "
    "search from it comes near backprop's accuracy; what is gained over it is the harder "
    "question. What bounds that here: a gain of a few thousandths, on 32 lives, after few "
    "generations of a small population. [discoverers.md](discoverers.md) asks it from feedback "
    "alignment on, on equal lives: about four fifths of backprop's gain."
)


def measure(quick: bool) -> Section:
    use_cores()
    experiment = build(load("digits"))
    steps = 10 if quick else 80
    ours: Any = experiment.meta
    searches: dict[str, tuple[Any, float]] = {
        "Backprop": (ours, ours.lives),
        "Evolution, SNES": (Evolution("SNES", 16, 4, SPREAD, steps), 64),
    }
    if not quick:
        options = {"lives": 16, "stretch": STRETCH, "spread": SPREAD}
        searches["NRES"] = (NRES("adam", 0.006, 5 * steps, **options), 32 * STRETCH / 300)
    judge = Objective(digits(300), experiment.objective.circuit)
    start = accuracies(judge, experiment.genome)
    ends, rows = {}, []
    for name, (meta, lives) in searches.items():
        count = meta.steps if meta is not ours else steps
        say(f"evolution: {name}, {count} meta-steps")
        genome, seconds = searched(experiment, meta, count)
        ends[name] = accuracies(judge, genome)
        ratio = Spread.of(ends[name] / ends["Backprop"])
        rows.append(
            [name, count, round(count * lives), short(seconds), short(ends[name].mean()), ratio]
        )
    section = Section("Searches without a derivative, beside backprop")
    section.write(
        "The experiment `digits`; lives are those that the search lived, in units of 300 moments; "
        "seconds are those of its meta-steps, without compiling. Accuracy: mean online accuracy on "
        f"{LIVES} lives of the comparison pool; the ratio is taken life by life."
    )
    begun = Spread.of(start / ends["Backprop"])
    rows.insert(0, ["(start)", "0", "0", "0", short(start.mean()), begun])
    section.table(
        ("search", "meta-steps", "lives", "seconds", "accuracy", "of backprop's"), rows,
    )  # fmt: skip
    section.write(BOUND)
    both = (ends[name].mean() for name in ("Evolution, SNES", "Backprop"))
    section.claims += claims(start.mean(), *both)
    return section


def claims(start: float, evolution: float, backprop: float) -> list[Claim]:
    """What evolution is worth beside backprop. The start alone may be worth nearly as much, so it
    is told beside it, and what each gained over it is judged as well."""
    shares = {
        f"accuracy, found by evolution / by backprop (the start alone: {start / backprop:.4f})": (
            evolution / backprop
        ),
        "gain over the start, evolution / backprop": (evolution - start) / (backprop - start),
    }
    return [Claim(text, Spread(*(float(share),) * 3), least=AIM) for text, share in shares.items()]


def searched(experiment: Experiment, meta: Any, steps: int) -> tuple[Genome, float]:
    """What a search finds, and the seconds of its meta-steps."""
    position = begin(experiment.objective, experiment.genome, meta, jax.random.key(0))
    seconds = 0.0
    for progress in search(experiment.objective, experiment.genome, meta, position, steps):
        position, seconds = progress.position, seconds + progress.seconds
    return found(experiment.genome, position), seconds


def accuracies(judge: Objective, genome: Genome) -> np.ndarray:
    """Mean online accuracy of every life."""
    keys = jax.random.split(jax.random.key(7), LIVES)
    lived = jax.jit(lambda keys: spread(lambda key: judge(genome, key)[1].accuracy, keys))
    return np.asarray(lived(keys), float)


if __name__ == "__main__":
    run(measure, __doc__)
