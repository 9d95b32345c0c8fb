"""Peak memory of a meta-gradient over the horizon, plainly unrolled and as it is by default.

    python benchmarks/memory.py [--quick] [--json]

Each figure is a fresh process: its largest resident size after the gradient of 4 lives, less that
before it; beside it, what XLA planned to allocate for the program. And that of a whole search by
evolution, over the candidates of a generation.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence

from interleaved import Spread, short
from section import Claim, Section, run, say

from metaplast.kept import FLOOR, MEGABYTE, ROOT

LIVES = 4
AIM = 10.0
"""At 1000 moments."""
HORIZONS = (250, 1000, 4000)
CANDIDATES = (100, 1000, 10_000)
CROWDED = 2.0
"""Memory of the largest population, in units of that of the smallest, at most."""
UNROLLED, DEFAULT = "0", "None"
"""Values of `Objective.segment`."""


def measure(quick: bool) -> Section:
    section = Section("Peak memory of a meta-gradient over the horizon")
    section.write(
        f"Megabytes that the gradient of {LIVES} lives of the experiment `digits` adds to a fresh "
        "process, and in brackets what XLA planned. Memory is not noisy: one process each."
    )
    horizons = HORIZONS[:1] if quick else HORIZONS
    rows, resident = [], {}
    for moments in horizons:
        say(f"memory: {moments} moments")
        both = {segment: child(moments, segment) for segment in (UNROLLED, DEFAULT)}
        resident |= {(moments, segment): used for segment, (used, _) in both.items()}
        less = resident[moments, UNROLLED] / resident[moments, DEFAULT]
        shown = [f"{used:.0f} ({planned:.0f})" for used, planned in both.values()]
        rows.append([moments, *shown, short(less)])
        section.claims.append(
            Claim(
                f"memory, unrolled / default, {moments} moments",
                Spread(less, less, less),
                least=AIM if moments == 1000 else None,
            )
        )
    section.table(("moments", "unrolled, MB", "default, MB", "times less"), rows)
    if not quick:
        grown = resident[horizons[-1], DEFAULT] / resident[horizons[0], DEFAULT]
        root = (horizons[-1] / horizons[0]) ** 0.5
        text = f"memory by default, {horizons[-1]} / {horizons[0]} moments"
        section.claims.append(Claim(text, Spread(grown, grown, grown), most=root))
        section.write(
            f"The aim is the square root of the horizon, {root:g} times from {horizons[0]} to "
            f"{horizons[-1]} moments. A life that fits into {FLOOR / MEGABYTE:g} MB is lived once, "
            "and up to there memory grows with the horizon itself; a longer one is cut into blocks "
            f"that are lived twice, as few as {ROOT:g} times its states allow (`kept.py`)."
        )
    populations(section, CANDIDATES[:1] if quick else CANDIDATES)
    return section


def populations(section: Section, sizes: Sequence[int]) -> None:
    """What a whole search takes over the number of its candidates."""
    taken = {}
    for size in sizes:
        say(f"memory: {size} candidates")
        taken[size] = float(told("--crowd", str(size)))
    section.write(
        f"A search by evolution (`SNES`, {STEPS} generations, one life of {MOMENTS} moments "
        "each, else the experiment `digits`): the largest resident size of the whole process, with "
        "Python, JAX and compiling. Candidates are lived a few at once, and what remains of them "
        "is their theta and their loss."
    )
    section.table(
        ("candidates", "process, MB"), [[size, f"{used:.0f}"] for size, used in taken.items()]
    )
    if len(sizes) > 1:
        grown = taken[sizes[-1]] / taken[sizes[0]]
        text = f"memory of a search, {sizes[-1]} / {sizes[0]} candidates"
        section.claims.append(Claim(text, Spread(grown, grown, grown), most=CROWDED))


def child(moments: int, segment: str) -> tuple[float, float]:
    """Megabytes resident and planned, of a fresh process."""
    resident, planned = told("--one", str(moments), segment).split()
    return float(resident), float(planned)


def told(*given: str) -> str:
    """What a fresh process of this script prints."""
    command = [sys.executable, __file__, *given]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def peak(moments: int, segment: int | None) -> tuple[float, float]:
    """Megabytes that one meta-gradient adds to this process, and what XLA planned for it."""
    import equinox as eqx
    import jax
    from meta_gradient import pair

    from metaplast.experiment import build
    from metaplast.objective import Objective
    from metaplast.search import searchable
    from metaplast.spec import load
    from metaplast.tasks import Clusters

    experiment = build(load("digits"))
    task = Clusters(inputs=64, moments=moments)
    objective = Objective(task, experiment.objective.circuit, experiment.objective.sharpness)
    theta, fixed = eqx.partition(experiment.genome, searchable)
    _, gradient = pair(objective, fixed, segment, LIVES)
    keys = jax.random.split(jax.random.key(0), LIVES)
    program = jax.jit(gradient).lower(theta, keys).compile()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    jax.block_until_ready(program(theta, keys))
    resident = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return resident, program.memory_analysis().temp_size_in_bytes / 2**20


STEPS, MOMENTS = 2, 10
"""Of the search whose candidates are counted: generations, and moments in a life."""


def crowd(candidates: int) -> float:
    """Megabytes that a whole search by evolution takes at most, with all of its process."""
    import jax

    from metaplast.experiment import build
    from metaplast.meta import Evolution
    from metaplast.search import begin, search
    from metaplast.spec import load, with_overrides
    from metaplast.spread import use_cores

    use_cores()
    task = f'task={{type = "digits", split = "search", moments = {MOMENTS}}}'
    experiment = build(with_overrides(load("digits"), [task]))
    meta = Evolution("SNES", candidates, lives=1, spread=0.03, steps=STEPS)
    position = begin(experiment.objective, experiment.genome, meta, jax.random.key(0))
    for progress in search(experiment.objective, experiment.genome, meta, position, STEPS):
        position = progress.position
    jax.block_until_ready(position)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--crowd"]:
        print(crowd(int(sys.argv[2])))
    elif sys.argv[1:2] == ["--one"]:
        print(*peak(int(sys.argv[2]), None if sys.argv[3] == DEFAULT else int(sys.argv[3])))
    else:
        run(measure, __doc__)
