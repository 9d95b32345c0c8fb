"""Time to a result: what a search of a minute finds, against tuned backprop on the same lives.

    python benchmarks/prototype.py [--quick] [--json]

A fresh process with an empty compilation cache runs `metaplast search digits` with few meta-steps.
Its time runs from process start until the rule is written.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from first_step import with_cache
from interleaved import Spread
from section import Claim, Section, run, say

from metaplast.bench import bench
from metaplast.rulefile import RULE, START

LIMIT = 60.0
"""Seconds from process start to the rule, compilation included."""
STEPS = 30
"""Meta-steps, so many that the limit is kept on two idle cores."""


def measure(quick: bool) -> Section:
    section = Section("A minute of search")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "digits"
        steps = 2 if quick else STEPS
        seconds = searched(folder, steps, Path(name) / "cache")
        say("prototype: the comparison")
        rule, start = str(folder), str(folder / START)
        lives = 4 if quick else 16
        result = bench([rule, start], "digits", 300, lives, only=True)
    section.write(
        f"`metaplast search digits --set meta.steps={steps}` with an empty compilation cache: "
        f"{seconds:.0f} s from process start to the written rule; the limit is {LIMIT:.0f} s. "
        f"Then {lives} lives of 300 moments of digits that the search has not seen: mean "
        "online accuracy, and the paired difference of the found rule with its 95 % interval. "
        "Backprop is tuned in hindsight on these very lives."
    )
    against = {p["against"]: p for p in result["paired"] if p["name"] == rule}
    shown = {rule: "found rule", start: "where the search began"}
    rows = []
    for entry in result["learners"]:
        pair = against.get(entry["name"])
        difference = f"{pair['difference']:+.3f} {interval(pair['ci'])}" if pair else ""
        rows.append([shown.get(entry["name"], entry["name"]), f"{entry['online_accuracy']:.3f}",
                     difference])  # fmt: skip
    section.table(("learner", "online accuracy", "found rule minus this"), rows)
    means = {entry["name"]: entry["online_accuracy"] for entry in result["learners"]}
    best, gain = against[result["best_backprop"]], against[start]
    alone = means[start] - means[result["best_backprop"]]
    section.write(
        f"The search begins at a strong hand-designed cell, {alone:+.3f} beside tuned backprop "
        "before it has made a step; what it adds is judged apart."
    )
    text = f"accuracy of the rule of {seconds:.0f} s minus that of"
    section.claims += [
        Claim(
            f"{text} tuned backprop, 95 % interval (the start alone: {alone:+.3f})",
            Spread(best["difference"], *best["ci"]), least=0, whole=True,
        ),
        Claim(
            f"{text} its start, 95 % interval",
            Spread(gain["difference"], *gain["ci"]), least=0, whole=True,
        ),
        Claim(f"time of this search / {LIMIT:.0f} s", Spread(*[seconds / LIMIT] * 3), most=1),
    ]  # fmt: skip
    return section


def searched(folder: Path, steps: int, cache: Path) -> float:
    """Seconds from process start until the rule was written."""
    say(f"prototype: a search of {steps} meta-steps")
    command = [sys.executable, "-m", "metaplast", "search", "digits", "--out", str(folder),
               "--set", f"meta.steps={steps}"]  # fmt: skip
    begun = time.perf_counter()
    with subprocess.Popen(
        command, env=with_cache(cache), stderr=subprocess.PIPE, text=True
    ) as search:
        while search.poll() is None and not (folder / RULE).exists():
            time.sleep(0.05)
        seconds = time.perf_counter() - begun
        search.terminate()  # what follows is a comparison of its own
        told = search.communicate()[1]
    if not (folder / RULE).exists():
        raise RuntimeError(f"{' '.join(command)} wrote no rule; it said:\n{told}")
    return seconds


def interval(bounds: list[float]) -> str:
    return f"[{bounds[0]:+.3f}, {bounds[1]:+.3f}]"


if __name__ == "__main__":
    run(measure, __doc__)
