"""Peak memory of a meta-gradient over the horizon, plainly unrolled and as it is by default.

    python benchmarks/memory.py [--quick] [--json]

Each figure is a fresh process: its largest resident size after the gradient of 4 lives, less that
before it; beside it, what XLA planned to allocate for the program. Three networks: that of the
experiment `digits`, and two small ones, `layered` and `factored` (64-64-64-10 with learned and with
fixed cells, as in `meta_gradient.py`). And that of a whole search by evolution, over the candidates
of a generation.
"""

from __future__ import annotations

import ctypes
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from interleaved import Spread, short
from meta_gradient import FACTORED
from section import Claim, Section, run, say

from metaplast.kept import FLOOR, MEGABYTE, ROOT, SHORT

LIVES = 4
AIM = 10.0
"""At 1000 moments."""
HORIZONS = (250, 1000, 4000)
DIGITS, SMALL = "digits", ("layered", FACTORED)
"""Experiments. Of the small ones XLA's plan counts, for a process alone varies by as much."""
CANDIDATES = (100, 1000, 10_000)
CROWDED = 2.0
"""Memory of the largest population, in units of that of the smallest, at most."""
UNROLLED, DEFAULT = "0", "None"
"""Values of `Objective.segment`."""


def measure(quick: bool) -> Section:
    section = Section("Peak memory of a meta-gradient over the horizon")
    section.write(
        f"Megabytes that the gradient of {LIVES} lives adds to a fresh process, and in brackets "
        "what XLA planned: of the experiments `digits` and `layered` on `Clusters`, and of "
        f"`{FACTORED}`, the network of `layered` with `Factored` and fixed cells. Memory is not "
        "noisy: one process each."
    )
    horizons = HORIZONS[:1] if quick else HORIZONS
    rows = []
    for name in (DIGITS, *SMALL):
        rows += over_horizons(section, name, horizons)
    section.table(("experiment", "moments", "unrolled, MB", "default, MB", "times less"), rows)
    if not quick:
        root = (horizons[-1] / horizons[0]) ** 0.5
        section.write(
            f"The aim is the square root of the horizon, {root:g} times from {horizons[0]} to "
            f"{horizons[-1]} moments. A life of up to {SHORT} moments is lived once where it fits "
            f"into {FLOOR / MEGABYTE:g} MB, and up to there memory grows with the horizon itself; "
            "a longer one is cut into blocks that are lived twice, as few as what two blocks of "
            f"{SHORT} moments take allows, or {ROOT:g} times its states (`kept.py`). Of "
            f"{' and '.join(f'`{name}`' for name in SMALL)} ratios are those of XLA's plans."
        )
    populations(section, CANDIDATES[:1] if quick else CANDIDATES)
    return section


def over_horizons(section: Section, name: str, horizons: Sequence[int]) -> list[list]:
    """Rows of the table, and the claims, of one experiment."""
    rows, taken = [], {}
    for moments in horizons:
        segments = (UNROLLED, DEFAULT)
        if name in SMALL and moments > 1000:  # nothing is claimed of it
            segments = (DEFAULT,)
        say(f"memory: {name}, {moments} moments")
        both = {segment: child(name, moments, segment) for segment in segments}
        shown = {s: f"{used:.0f} ({planned:.0f})" for s, (used, planned) in both.items()}
        counted = {s: planned if name in SMALL else used for s, (used, planned) in both.items()}
        taken[moments] = counted[DEFAULT]
        less = "not measured"
        if UNROLLED in counted:
            times = counted[UNROLLED] / counted[DEFAULT]
            less = short(times)
            section.claims.append(
                Claim(
                    f"memory, unrolled / default, {name}, {moments} moments",
                    Spread(times, times, times),
                    least=AIM if moments == 1000 else None,
                )
            )
        unrolled = shown.get(UNROLLED, "not measured")
        rows.append([name, moments, unrolled, shown[DEFAULT], less])
    if len(horizons) > 1:
        first, last = horizons[0], horizons[-1]
        grown = taken[last] / taken[first]
        text = f"memory by default, {name}, {last} / {first} moments"
        most = (last / first) ** 0.5
        section.claims.append(Claim(text, Spread(grown, grown, grown), most=most))
    return rows


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


def child(name: str, moments: int, segment: str) -> tuple[float, float]:
    """Megabytes resident and planned, of a fresh process."""
    resident, planned = told("--one", name, str(moments), segment).split()
    return float(resident), float(planned)


def told(*given: str) -> str:
    """What a fresh process of this script prints."""
    command = [sys.executable, __file__, *given]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def peak(name: str, moments: int, segment: int | None) -> tuple[float, float]:
    """Megabytes that one meta-gradient adds to this process, and what XLA planned for it."""
    import equinox as eqx
    import jax
    from factored_lives import problem
    from meta_gradient import pair, searched

    from metaplast.objective import Objective
    from metaplast.search import searchable
    from metaplast.tasks import Clusters

    objective, genome = searched(name)
    if name == FACTORED:
        objective, _ = problem(moments)
    else:
        task = Clusters(inputs=64, moments=moments)
        objective = Objective(task, objective.circuit, objective.sharpness)
    theta, fixed = eqx.partition(genome, searchable)
    _, gradient = pair(objective, fixed, segment, LIVES)
    keys = jax.random.split(jax.random.key(0), LIVES)
    program = jax.jit(gradient).lower(theta, keys).compile()
    before = forgotten()
    jax.block_until_ready(program(theta, keys))
    return held("VmHWM") - before, program.memory_analysis().temp_size_in_bytes / 2**20


def forgotten() -> float:
    """Megabytes that this process holds, after it has given back what it can, and the peak begins
    anew: the compiler's own is higher than what many programs take."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return held("VmRSS")


def held(what: str) -> float:
    """A line of the status of this process, in megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:"))


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
        name, moments, segment = sys.argv[2:5]
        print(*peak(name, int(moments), None if segment == DEFAULT else int(segment)))
    else:
        run(measure, __doc__)
