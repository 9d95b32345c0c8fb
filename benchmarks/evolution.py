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
    ends, rows = {}, [["(start)", "0", "0", "0", short(start.mean()), ""]]
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
    section.table(
        ("search", "meta-steps", "lives", "seconds", "accuracy", "of backprop's"), rows,
    )  # fmt: skip
    share = ends["Evolution, SNES"].mean() / ends["Backprop"].mean()
    section.claims.append(
        Claim("accuracy, found by evolution / by backprop", Spread(*(float(share),) * 3), least=AIM)
    )
    gained = [(ends[n] - start).mean() for n in ("Evolution, SNES", "Backprop")]
    share = float(gained[0] / gained[1])
    section.claims.append(Claim("gain over the start, evolution / backprop", Spread(*(share,) * 3)))
    return section


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
