"""Measure everything that the README claims, and write it down.

    METAPLAST_DATA=folder python benchmarks/results.py --write docs/results.md

Runs the shipped rule against every rival on digits and MNIST-1D, and on `mnist` and `fashion-mnist`
where the folder METAPLAST_DATA holds them (skipped, with a line that says so, where it does not):
online accuracy over 300 and 1500 moments, in five and in eight layers, and the divergence of 64
lives of 20 000 moments. `--only` picks parts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import NamedTuple

import jax

from metaplast import __version__
from metaplast.bench import bench
from metaplast.bench.living import Arena
from metaplast.spec import BENCH
from metaplast.store import load
from metaplast.tasks import named

RULE = "zoo/online"
RIVALS = tuple(BENCH["learners"])
"""The same that a search is compared with."""
DATA = ["digits", "mnist1d", "mnist", "fashion-mnist"]


class Part(NamedTuple):
    """One table for every data set."""

    moments: int
    hidden: tuple[int, ...] = (64, 64)
    data: tuple[str, ...] = tuple(DATA)
    rivals: tuple[str, ...] = RIVALS
    only: bool = False
    """Leave the trivial learners out, to whom depth and width mean nothing."""


PARTS = {
    "300 moments": Part(300),
    "1500 moments": Part(1500),
    "500 moments": Part(500, data=("digits",), rivals=("backprop",)),
    "five layers": Part(300, (64,) * 4, rivals=("backprop",), only=True),
    "eight layers": Part(300, (64,) * 7, rivals=("backprop",), only=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rule", default=RULE)
    parser.add_argument("--lives", type=int, default=16)
    parser.add_argument("--only", nargs="+", choices=[*PARTS, "long"], default=[*PARTS, "long"])
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--raw", type=Path, default=Path("runs/results.jsonl"))
    parser.add_argument("--write", type=Path, help="a Markdown file, made from everything in --raw")
    parser.add_argument("--readme", type=Path, help="a page whose summary table is replaced")
    given = parser.parse_args()
    given.raw.parent.mkdir(parents=True, exist_ok=True)
    for part in given.only:
        if part == "long":
            result = long_lives(given.rule)
            record(given.raw, part, result)
            print("\n".join(long_section(result)), flush=True)
            continue
        setting = PARTS[part]
        for data in (d for d in setting.data if d in given.data):
            try:
                result = bench(
                    [given.rule, *setting.rivals],
                    data,
                    setting.moments,
                    given.lives,
                    setting.hidden,
                    only=setting.only,
                )
            except (FileNotFoundError, ValueError) as absent:
                print(f"skipped {data}: {absent}", flush=True)
                continue
            record(given.raw, part, result)
            print("\n".join(section(part, result, given.rule)), flush=True)
    if given.write:
        given.write.write_text(document(given.raw, given.rule))
    if given.readme:
        insert(given.readme, summary(latest(given.raw), given.rule))


def long_lives(rule: str, lives: int = 64, moments: int = 20_000) -> dict:
    """Lives of 20 000 moments on digits: how many diverged, and the accuracy of the last 1000."""
    task = named("digits", moments=moments, split="bench")
    network = load(rule).network(task.inputs, (64, 64), task.classes)
    outcome = Arena(task, 0).live([network], range(lives))
    return {
        "data": task.name, "moments": moments, "lives": lives,
        "diverged": int(outcome.exploded.sum()),
        "late_accuracy": float(outcome.correct[0, :, -1000:].mean()),
        "test_accuracy": float(outcome.test.mean()),
        "worst_test_accuracy": float(outcome.test.min()),
    }  # fmt: skip


def record(path: Path, part: str, result: dict) -> None:
    """Append a result, so that parts can be measured one by one."""
    with open(path, "a") as log:
        log.write(json.dumps({"part": part, "result": result}) + "\n")


def latest(raw: Path) -> dict[tuple[str, str], dict]:
    """The latest result of every part and data set."""
    results: dict[tuple[str, str], dict] = {}
    for line in raw.read_text().splitlines():
        entry = json.loads(line)
        results[entry["part"], entry["result"]["data"]] = entry["result"]
    return results


def document(raw: Path, rule: str) -> str:
    """The Markdown page."""
    results = latest(raw)
    lines = [
        "# Results of the shipped rule",
        "",
        "Written by `METAPLAST_DATA=folder python benchmarks/results.py --write docs/results.md` "
        f"with metaplast {__version__}, jax {jax.__version__}, Python {platform.python_version()} "
        f"on {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}. Do not edit.",
        "",
        "Mean online accuracy: every example is named before it is learned, in one pass. All "
        "learners live the same lives; brackets are 95 % bootstrap intervals over lives. Rivals "
        "are tuned in hindsight on the very lives of the comparison (rate or ridge, nonlinearity, "
        "raw or standardized stimuli); the rule runs as it was found.",
    ]
    for part in [*PARTS, "long"]:
        for (of, _), result in results.items():
            if of == part:
                shown = long_section(result) if part == "long" else section(part, result, rule)
                lines += ["", *shown]
    return "\n".join(lines) + "\n"


TRIVIAL = ("nearest_class_mean", "recursive_least_squares", "nearest_neighbor")


def summary(results: dict[tuple[str, str], dict], rule: str) -> list[str]:
    """One row per comparison, for the README."""
    lines = [
        "| online accuracy | found rule | best backprop | rule minus best backprop "
        "| nearest class mean | least squares | 1-NN |",
        "|---|---|---|---|---|---|---|",
    ]
    for part in PARTS:
        for (of, data), result in results.items():
            if of != part:
                continue
            row = {r["name"]: r["online_accuracy"] for r in result["learners"]}
            best = result["best_backprop"]
            pair = next(p for p in result["paired"] if p["name"] == rule and p["against"] == best)
            trivial = " | ".join(f"{row[name]:.3f}" if name in row else "" for name in TRIVIAL)
            lines.append(
                f"| {data}, {part} | **{row[rule]:.3f}** | {row[best]:.3f} "
                f"| {pair['difference']:+.3f} {bracket(pair['ci'])} | {trivial} |"
            )
    for (of, _), result in results.items():
        if of == "long":
            lines += ["", *long_section(result)[2:]]
    return lines


def insert(page: Path, lines: list[str]) -> None:
    """Replace what stands between the two result marks of a page."""
    before, rest = page.read_text().split("<!-- results -->")
    _, after = rest.split("<!-- /results -->")
    page.write_text("\n".join([f"{before}<!-- results -->", *lines, f"<!-- /results -->{after}"]))


def section(part: str, result: dict, rule: str) -> list[str]:
    """One table."""
    ours = {p["against"]: p for p in result["paired"] if p["name"] == rule}
    lines = [
        f"## {result['data']}: {part}",
        "",
        f"{result['lives']} lives of {result['moments']} moments, "
        f"hidden layers {result['hidden']}, seed {result['seed']}.",
        "",
        "| learner | online accuracy | held out | rule minus this | tuned to | diverged |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted(result["learners"], key=lambda r: -r["online_accuracy"]):
        name = f"**{row['name']}**" if row["name"] == rule else row["name"]
        pair = ours.get(row["name"])
        gap = f"{pair['difference']:+.3f} {bracket(pair['ci'])}" if pair else ""
        tuned = ", ".join(
            f"{k} {v}" for k, v in row["tuned"].items()
            if k not in ("grid", "tried", "tried_on_lives", "on_edge", "optimizer")
        )  # fmt: skip
        lines.append(
            f"| {name} | {row['online_accuracy']:.3f} {bracket(row['online_accuracy_ci'])} "
            f"| {row['test_accuracy']:.3f} | {gap} | {tuned} | {row['diverged']} |"
        )
    return lines


def long_section(result: dict) -> list[str]:
    return [
        f"## {result['data']}: {result['lives']} lives of {result['moments']} moments",
        "",
        f"Of {result['lives']} lives of {result['moments']} moments on {result['data']}, "
        f"{result['diverged']} diverged. Accuracy over the last 1000 moments "
        f"{result['late_accuracy']:.3f} (the examples repeat); on held-out examples at the end "
        f"{result['test_accuracy']:.3f}, in the worst life {result['worst_test_accuracy']:.3f}.",
    ]


def bracket(interval: list[float]) -> str:
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]"


if __name__ == "__main__":
    main()
