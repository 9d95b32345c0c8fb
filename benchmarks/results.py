"""The table and the learning curves of the README, from what `metaplast bench --suite` stores.

    METAPLAST_DATA=folder metaplast bench LEARNERS --suite horizon depth --write docs/results.md
    METAPLAST_DATA=folder python benchmarks/results.py --readme README.md \
        --curves docs/learning_curves.svg

Entries are those of `--from` (`runs/suite`, where suites keep them), of as many lives as everybody
lived; what is not there is not lived but left out, and a line says so.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from figure import draw
from section import put

from metaplast.bench.archive import Archive, about
from metaplast.bench.suite import assembled
from metaplast.learners.registry import EXPANDED, TRIVIAL
from metaplast.suites import FOUND, SUITES, Setting

MARKS = ("<!-- results -->", "<!-- /results -->")
"""Around the table in the README."""
BACKPROP = (*EXPANDED["backprop"], "backprop_shortcut")
SHALLOW = 3
"""Layers of the horizon's networks; deeper ones say so in the table."""
CURVES = 1500
"""Moments of the lives whose learning curves are drawn."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="folder", type=Path, default=Path("runs/suite"))
    parser.add_argument(
        "--lives", type=int, nargs="+", default=[32, 16], help="the first that everybody lived"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readme", type=Path, help="a page whose table is replaced")
    parser.add_argument("--curves", type=Path, help="the figure that is drawn")
    given = parser.parse_args()
    archive = Archive(given.folder)
    results = []
    for setting in settings():
        rows = (FOUND,) if setting.only_found else (FOUND, *BACKPROP, *TRIVIAL)
        for lives in given.lives:
            stored = [archive.read(about(setting, row, lives, given.seed)) for row in rows]
            if all(stored):
                results.append((setting, assembled([entry for entry in stored if entry])))
                break
        else:
            print(f"left out {setting.data}, {setting.moments} moments: not everybody lived it")
    if not results:
        parser.error(f"--from {given.folder}: no setting of the README that everybody lived")
    if len(results) < len(settings()) and (given.readme or given.curves):
        parser.error("--readme, --curves: expected every setting of the README; live the others")
    lines = summary(results)
    print("\n".join(lines))
    if given.readme:
        put(given.readme, lines, MARKS)
    if given.curves:
        draw([result for setting, result in results if setting.moments == CURVES], given.curves)


def settings() -> list[Setting]:
    """What the README tells of: horizons, then depths."""
    deep = (s for s in SUITES["depth"] if len(s.hidden) + 1 in (5, 8))
    return [*SUITES["horizon"], *deep]


def summary(results: list[tuple[Setting, dict[str, Any]]]) -> list[str]:
    """One row per comparison, and a line for lives that only the found rule lived."""
    lines = [
        "| online accuracy | found rule | best backprop | rule minus best backprop "
        "| nearest class mean | least squares | 1-NN |",
        "|---|---|---|---|---|---|---|",
    ]
    below, lived = [], {}
    for setting, result in results:
        if setting.only_found:
            below += ["", alone(result)]
            continue
        row = {r["name"]: r["online_accuracy"] for r in result["learners"]}
        best, layers = result["best_backprop"], len(result["hidden"]) + 1
        pair = next(p for p in result["paired"] if p["name"] == FOUND and p["against"] == best)
        low, high = pair["ci"]
        deep = f", {layers} layers" if layers != SHALLOW else ""
        lived.setdefault(result["lives"], []).append(layers)
        trivial = " | ".join(f"{row[name]:.3f}" if name in row else "" for name in TRIVIAL)
        lines.append(
            f"| {result['data']}, {result['moments']} moments{deep} | **{row[FOUND]:.3f}** "
            f"| {row[best]:.3f} | {pair['difference']:+.3f} [{low:.3f}, {high:.3f}] | {trivial} |"
        )
    return [*lines, "", counted(lived), *below]


def counted(lived: dict[int, list[int]]) -> str:
    """How many lives the rows are means of; by their layers where that is not all the same."""
    if len(lived) == 1:
        return f"Means over {next(iter(lived))} lives each."
    parts = (
        f"{lives} lives of networks of {' and '.join(map(str, sorted(set(layers))))} layers"
        for lives, layers in lived.items()
    )
    return f"Means over {', '.join(parts)}."


def alone(result: dict[str, Any]) -> str:
    """The long lives."""
    (entry,) = result["learners"]
    return (
        f"Of {result['lives']} lives of {result['moments']} moments on {result['data']}, "
        f"{entry['diverged']} diverged. Accuracy over the last 1000 moments "
        f"{entry['scores']['late']['mean']:.3f} (the examples repeat); on held-out examples at the "
        f"end {entry['test_accuracy']:.3f}."
    )


if __name__ == "__main__":
    main()
