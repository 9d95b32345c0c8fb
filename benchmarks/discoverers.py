"""Can evolution replace backprop as discoverer? Every outer loop, same start, equal lives.

    python benchmarks/discoverers.py                               # what is missing, then the page
    python benchmarks/discoverers.py --only SNES ES --seeds 1
    python benchmarks/discoverers.py --write docs/discoverers.md   # and the figure beside it

The experiment `layered`, made smaller, begins at feedback alignment: whatever is gained was
discovered. Each loop spends the same number of lives, at two settings, from several seeds; what it
holds along the way lives the same lives of the comparison pool, which no search sees. Every search
is stored as it ends, in `benchmarks/measured/discoverers.jsonl`, and not repeated.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from performance import machine
from section import put, say, table

from metaplast.bench import bench
from metaplast.experiment import Experiment, build
from metaplast.meta import (
    ES,
    NRES,
    PES,
    Backprop,
    Evolution,
    Genetic,
    LearnedSelection,
    LowRankES,
    Truncated,
)
from metaplast.network import Genome
from metaplast.objective import Objective
from metaplast.search import begin, found, search, traced
from metaplast.spec import load, with_overrides
from metaplast.tasks import digits

MOMENTS, STRETCH, BUDGET = 200, 20, 3200
"""Length of a life, of a stretch of it, and lives that each search may spend."""
HIDDEN = (32, 32)
MARKS = (0, 100, 200, 400, 800, 1600, BUDGET)
JUDGED = 32
TIMES = 10
LONGER = (("SNES", 0.1), ("Sep_CMA_ES", 0.1), ("LearnedSelection", 0.03))
"""Searches that also spend ten times the lives."""
STORE = Path(__file__).parent / "measured" / "discoverers.jsonl"
"""Searches that are done, a line each; remove those that shall be run anew."""
FRACTION = STRETCH / MOMENTS
ABSENT = (
    "Not in the table: `Forward` takes the derivative that `Backprop` takes, by one tangent for "
    "every number that is searched, so it would find the same for far more work; `MapElites` "
    "spends its lives on an archive of unlike rules and not on one best; `Restarts` holds "
    "several searches of another loop, so what it finds is a matter of that loop."
)
"""Outer loops that are not compared, and why."""


class Loop(NamedTuple):
    """An outer loop, as it is compared."""

    make: Callable[[float, int], Any]
    """Of its setting and the number of meta-steps."""
    settings: tuple[float, float]
    """Its spread or, where it has none, the rate of its optimizer."""
    lives: float
    """Whole lives that a meta-step spends."""
    derivative: bool = False


def _pairs(kind, **options):
    return lambda spread, steps: kind("adam", 0.02, steps, lives=16, spread=spread, **options)


def _strategy(name):
    return lambda spread, steps: Evolution(name, 16, 2, spread, steps)


SPREADS, RATES = (0.03, 0.1), (0.01, 0.03)
LOOPS: dict[str, Loop] = {
    "Backprop": Loop(lambda rate, steps: Backprop("adam", rate, steps, 8), RATES, 8, True),
    "Truncated": Loop(
        lambda rate, steps: Truncated("adam", rate, steps, lives=8, stretch=STRETCH),
        RATES, 8 * FRACTION, True,
    ),
    "ES": Loop(_pairs(ES), SPREADS, 32),
    "LowRankES": Loop(_pairs(LowRankES), SPREADS, 32),
    "PES": Loop(_pairs(PES, stretch=STRETCH), SPREADS, 32 * FRACTION),
    "NRES": Loop(_pairs(NRES, stretch=STRETCH), SPREADS, 32 * FRACTION),
    "Open_ES": Loop(_strategy("Open_ES"), SPREADS, 32),
    "SNES": Loop(_strategy("SNES"), SPREADS, 32),
    "Sep_CMA_ES": Loop(_strategy("Sep_CMA_ES"), SPREADS, 32),
    "CMA_ES": Loop(_strategy("CMA_ES"), SPREADS, 32),
    "Genetic": Loop(lambda spread, steps: Genetic(16, 2, spread, steps), SPREADS, 32),
    "LearnedSelection": Loop(
        lambda spread, steps: LearnedSelection(
            population=16, lives=2, spread=spread, steps=steps
        ), SPREADS, 32,
    ),
}  # fmt: skip


def experiment() -> Experiment:
    """Feedback alignment in two small hidden layers, and what may change of it."""
    inner = f'{{type = "digits", split = "search", moments = {MOMENTS}}}'
    return build(with_overrides(load("layered"), [
        f"hidden={list(HIDDEN)}",
        f'task={{type = "RandomProjection", size = 64, task = {inner}}}',
    ]))  # fmt: skip


def measured(name: str, setting: float, seed: int, times: int = 1) -> dict[str, Any]:
    """One search: the accuracy of every judged life at every mark, and its seconds. Where it may
    spend several times the lives, the marks are that many times as far apart."""
    loop, start = LOOPS[name], experiment()
    meta = loop.make(setting, round(times * BUDGET / loop.lives))
    position = begin(start.objective, start.genome, meta, jax.random.key(seed))
    about = (start.objective, start.genome, meta, position)
    dispatch = traced(*about).compiled()
    judge = Objective(digits(MOMENTS), start.objective.circuit)
    curve, seconds = [], 0.0
    for mark in MARKS:
        for progress in search(
            *about[:3], position, round(times * mark / loop.lives), dispatch=dispatch
        ):
            position, seconds = progress.position, seconds + progress.seconds
        curve.append(accuracies(judge, found(start.genome, position)))
    return {
        "loop": name, "setting": setting, "seed": seed, "times": times, "seconds": seconds,
        "curve": curve,
    }  # fmt: skip


def accuracies(judge: Objective, genome: Genome) -> list[float]:
    """Mean online accuracy of every judged life."""
    keys = jax.random.split(jax.random.key(7), JUDGED)
    return np.asarray(_judged(judge, genome, keys), float).tolist()


@eqx.filter_jit
def _judged(judge: Objective, genome: Genome, keys):
    return jax.vmap(lambda key: judge(genome, key)[1].accuracy)(keys)


def scale() -> dict[str, Any]:
    """Hand-designed learners, tuned, in lives of the same kind."""
    return bench(["feedback_alignment"], digits(MOMENTS), lives=JUDGED, hidden=HIDDEN)


def page(stored: Iterable[dict[str, Any]], rivals: dict[str, Any]) -> list[str]:
    """The generated lines: what each loop reached, and the rivals for scale."""
    entries = [e for e in stored if e.get("times", 1) == 1]
    curves = best(entries)
    oracle = curves["Backprop"]["curve"] if "Backprop" in curves else None
    rows = []
    for name, entry in sorted(curves.items(), key=lambda item: -item[1]["curve"][-1].mean()):
        curve, loop = entry["curve"], LOOPS[name]
        ends = curve[-1]
        start, gain = curve[0].mean(), ends.mean()
        half = reached(curve, start + (oracle[-1].mean() - start) / 2) if oracle is not None else ""
        share = "" if oracle is None else ratio(ends, oracle[-1])
        rows.append([
            name, "yes" if loop.derivative else "no", f"{entry['setting']:g}",
            f"{gain:.3f} ({entry['seeds']})", share, half, f"{entry['seconds']:.0f}",
        ])  # fmt: skip
    header = ("outer loop", "derivative of a life", "setting", "accuracy (each seed)",
              "of backprop's [95 %]", "lives to half of its gain", "s")  # fmt: skip
    any_curve = next(iter(curves.values()))["curve"]
    lines = [
        ABSENT, "",
        f"Start (feedback alignment, not tuned): {any_curve[0].mean():.3f}. {BUDGET} lives each.",
        "", *table(header, rows), "",
        *_longer(stored, oracle),
        "The same lives in kind, for scale, each learner at its best setting:", "",
    ]  # fmt: skip
    known = sorted(rivals["learners"], key=lambda row: -row["online_accuracy"])
    return lines + table(
        ("learner", "accuracy"), [[row["name"], f"{row['online_accuracy']:.3f}"] for row in known]
    )


def _longer(stored: Iterable[dict[str, Any]], oracle: np.ndarray | None) -> list[str]:
    """What comes of more lives, for loops whose lives are cheap."""
    rows = [
        [e["loop"], f"{e['setting']:g}", str(e["times"] * BUDGET), f"{np.mean(e['curve'][-1]):.3f}",
         "" if oracle is None else ratio(np.asarray(e["curve"][-1]), oracle[-1]),
         f"{e['seconds']:.0f}"]
        for e in stored if e.get("times", 1) > 1
    ]  # fmt: skip
    if not rows:
        return []
    header = ("outer loop", "setting", "lives", "accuracy", "of backprop's, at its lives", "s")
    return [f"With {TIMES} times the lives:", "", *table(header, rows), ""]


def best(entries: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every loop at the better of its settings; curves `[marks, lives]`, mean over seeds."""
    chosen: dict[str, dict[str, Any]] = {}
    for name in LOOPS:
        for setting in LOOPS[name].settings:
            mine = [e for e in entries if (e["loop"], e["setting"]) == (name, setting)]
            if not mine:
                continue
            each = np.asarray([e["curve"] for e in mine])
            entry = {
                "setting": setting, "curve": each.mean(0),
                "seeds": ", ".join(f"{c[-1].mean():.3f}" for c in each),
                "seconds": np.mean([e["seconds"] for e in mine]),
            }  # fmt: skip
            if name not in chosen or entry["curve"][-1].mean() > chosen[name]["curve"][-1].mean():
                chosen[name] = entry
    return chosen


def reached(curve: np.ndarray, accuracy: float) -> str:
    """The first mark at which a loop holds a rule that good."""
    over = [mark for mark, lives in zip(MARKS, curve, strict=True) if lives.mean() >= accuracy]
    return str(over[0]) if over else "never"


def ratio(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Mean over mean, with an interval over lives."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(ours), (10_000, len(ours)))
    low, high = np.quantile(ours[drawn].mean(1) / theirs[drawn].mean(1), [0.025, 0.975])
    return f"{ours.mean() / theirs.mean():.3f} [{low:.3f}, {high:.3f}]"


def draw(entries: Iterable[dict[str, Any]], picture: Path) -> None:
    """Accuracy over lives spent."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 4))
    curves = sorted(best(entries).items(), key=lambda item: -item[1]["curve"][-1].mean())
    colors = plt.get_cmap("tab20")(np.linspace(0, 1, len(curves)))
    for (name, entry), color in zip(curves, colors, strict=True):
        style = "-" if LOOPS[name].derivative else "--"
        axis.plot(MARKS, entry["curve"].mean(1), style, color=color, marker=".", label=name)
    axis.set_xscale("symlog", linthresh=100)
    axis.set_xticks(MARKS, [str(mark) for mark in MARKS])
    axis.set_xlabel(f"lives of {MOMENTS} moments spent by the search")
    axis.set_ylabel("accuracy before learning")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.tight_layout()
    figure.savefig(picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=LOOPS, default=list(LOOPS), metavar="LOOP")
    parser.add_argument("--seeds", type=int, default=2, help="searches of every loop and setting")
    parser.add_argument("--write", type=Path, help="put what is stored into this page")
    given = parser.parse_args()
    stored = [json.loads(line) for line in STORE.read_text().splitlines()] if STORE.exists() else []
    done = {(e["loop"], e["setting"], e["seed"], e.get("times", 1)) for e in stored}
    wanted = [
        (name, setting, seed, 1)
        for seed in range(given.seeds) for name in given.only for setting in LOOPS[name].settings
    ] + [(name, setting, 0, TIMES) for name, setting in LONGER if name in given.only]  # fmt: skip
    for one in wanted:
        if one in done:
            continue
        say("discoverers: {}, {:g}, seed {}, {} times the lives".format(*one))
        stored.append(measured(*one))
        with STORE.open("a") as file:
            file.write(json.dumps(stored[-1]) + "\n")
    lines = [*machine(), "", *page(stored, scale())]
    print("\n".join(lines))
    if given.write:
        put(given.write, lines)
        draw([e for e in stored if e.get("times", 1) == 1], given.write.with_suffix(".svg"))


if __name__ == "__main__":
    main()
