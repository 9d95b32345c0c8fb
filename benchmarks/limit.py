"""How close a moment of a plastic network comes to what this machine can do.

    python benchmarks/limit.py [--quick] [--json]

The least that a moment must compute and move is counted (`metaplast.cost`); how fast the machine
computes and moves is measured in the same process, in turn with the lives. A full run also draws
`docs/roofline.svg` and leaves its numbers in `runs/limit.json`.
"""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import chunks
import jax
import roofline
from crowd import BYTES_AT_MOST, CHANNELS, TASK, Crowd, Point, living
from interleaved import Spread, short
from machine import MEMORY, Rates, caches, every_core
from moment import INPUTS, factored
from section import Claim, Section, run, say

from metaplast.cost import counts

WIDTHS = (32, 64, 128, 256, 512, 1024, 2048)
LIVES = (1, 4, 16, 64, 256, 1024, 4096)
AIM = (256, 1024)
"""The width and the lives of which something is demanded."""
FOLDER = Path(__file__).resolve().parents[1]


def picture() -> str:
    """Name of the roofline. To be asked after `every_core`, for it starts JAX."""
    return "roofline.svg" if jax.default_backend() == "cpu" else "roofline_gpu.svg"


def measure(quick: bool) -> Section:
    every_core()
    section = Section("A moment against the limits of the machine")
    section.write(
        f"Lives of `Factored` (one channel, decay, random feedback) in {INPUTS}-width-width-10. "
        "The least that one moment must do is counted: every weight is read once, those that "
        "change are written once. The limit is the longer of two times, at this machine's rate of "
        "matrix products and at its bandwidth of memory; a share is that limit over the measured "
        "time, and what it is a share of was measured in turn with it. Read ratios, not seconds."
    )
    write_counts(section, (32, 256) if quick else (32, 256, 2048))
    rates = Rates(quick)
    points = grid(rates, (32, AIM[0]) if quick else WIDTHS, (1, AIM[1]) if quick else LIVES, quick)
    write_grid(section, points)
    section.claims += claims(points)
    if jax.default_backend() == "cpu":
        chunks.write(section, rates, points, quick)
    # Last, because all that was measured above tells of the machine.
    section.write("What the machine did, all the while:")
    section.table(
        ("rate", "median and quartiles", "of what"),
        rates.rows(),
    )
    if not quick:
        keep(points, rates)
        section.write(f"![GFLOP/s over operations per byte and over bytes]({picture()})")
    return section


def write_counts(section: Section, widths: tuple[int, ...]) -> None:
    """The formula beside XLA's own analysis of the compiled program."""
    rows = []
    for width in widths:
        true, least = analysed(width), counts(factored((width, width)).circuit, CHANNELS)
        ratios = [true["flops"] / least.flops, true["bytes accessed"] / least.bytes]
        rows.append([width, least.flops, least.bytes, *(f"{ratio:.3f}" for ratio in ratios)])
    section.write(
        "One moment of one life as counted, and how much of it XLA reports of the program that it "
        "compiled. Its program reads the weights that change twice, to deliver and to change, "
        "so where no cache helps it can reach no more than the inverse of the last column."
    )
    header = ("width", "flops counted", "bytes counted", "flops, XLA / counted", "bytes, same")
    section.table(header, rows)


def analysed(width: int) -> Any:
    """XLA's cost analysis of one moment."""
    network = factored((width, width))
    state = jax.eval_shape(network.born, jax.random.key(0))
    episode = jax.eval_shape(TASK.sample, jax.random.key(0))

    def moment(state, episode):
        return network.moment(state, episode.stimuli[0], episode.targets[0], TASK, None)

    # Donated, as a scan does, so that copies of the state are not counted.
    return jax.jit(moment, donate_argnums=0).lower(state, episode).compile().cost_analysis()


def grid(rates: Rates, widths, populations, quick: bool) -> list[Point]:
    """Lives at once, and in chunks where there are more than a chunk."""
    points = []
    for width in widths:
        fitting = [n for n in populations if Crowd(width, n).bytes <= BYTES_AT_MOST]
        for lives in fitting:
            say(f"limit: width {width}, {lives} lives")
            crowds = [Crowd(width, lives).paced(quick)]
            chunk = chunks.chunk(width)
            # Chunks follow one another, so their time per life says the same for all numbers.
            if lives in (min(fitting[-1], AIM[1]), AIM[1]) and lives > chunk and caches():
                crowds.append(Crowd(width, lives, chunk=chunk).paced(quick))
            points += living(crowds, rates, 3 if quick else 7)
            gc.collect()
    return points


def write_grid(section: Section, points: list[Point]) -> None:
    at_once = {(p.crowd.width, p.crowd.lives): p for p in points if not p.crowd.chunk}
    widths, populations = (sorted({key[i] for key in at_once}) for i in (0, 1))
    section.write(
        "Lives all at once, moment by moment. First, microseconds per moment of one life; then the "
        "share of the limit; where all weights fit into a cache, also the share of that cache's "
        "limit, because they can stay there and the first share can exceed 1."
    )

    def entry(width: int, lives: int) -> str:
        if (width, lives) not in at_once:
            return "(memory)"
        p = at_once[width, lives]
        level = p.crowd.level
        cached = "" if level == MEMORY else f"; {short(p.cached.median)} of {level}"
        return f"{short(p.seconds.median * 1e6)} us: {short(p.share.median)}{cached}"

    section.table(
        ("width", *(f"{n} lives" if n > 1 else "1 life" for n in populations)),
        [[width, *(entry(width, lives) for lives in populations)] for width in widths],
    )


def claims(points: list[Point]) -> list[Claim]:
    """What is demanded, and what was found beside it."""
    made, gpu = [], jax.default_backend() == "gpu"
    for p in points:
        if (p.crowd.width, p.crowd.lives) == AIM:
            how = f"in chunks of {p.crowd.chunk}" if p.crowd.chunk else "at once"
            text = f"share of the tighter limit, width {AIM[0]}, {AIM[1]} lives {how}"
            made.append(Claim(text, p.share, least=0.6 if gpu else 0.25))
    if gpu:
        best = max(points, key=lambda p: p.updates.median)
        text = f"best, width {best.crowd.width}, {best.crowd.lives} lives"
        scaled = Spread(*(value / 1e11 for value in best.updates))
        made.append(Claim(f"synapse updates per second / 1e11, {text}", scaled, least=1.0))
        made.append(Claim(f"share of the bandwidth of memory, {text}", best.share, least=0.6))
    return made


def keep(points: list[Point], rates: Rates) -> None:
    """Leave the numbers for `roofline.py`, and draw them."""
    found = {
        "points": [p.as_dict() for p in points],
        "rates": {name: rates.spread(name).median for name in rates.probes},
        "sizes": {**caches(), MEMORY: None},
    }
    (FOLDER / "runs").mkdir(exist_ok=True)
    (FOLDER / "runs" / "limit.json").write_text(json.dumps(found, indent=1))
    roofline.draw(found, FOLDER / "docs" / picture())


if __name__ == "__main__":
    run(measure, __doc__)
