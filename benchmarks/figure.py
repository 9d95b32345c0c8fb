"""Draw the learning curves that the README shows, from what `results.py` has measured.

python benchmarks/figure.py runs/results.jsonl docs/learning_curves.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SHOWN = {
    "zoo/online": ("found rule", "#c0392b"),
    "backprop": ("backprop, best optimizer and rate", "#2c3e50"),
    "nearest_class_mean": ("nearest class mean", "#b0a060"),
    "recursive_least_squares": ("recursive least squares", "#2980b9"),
    "nearest_neighbor": ("1-nearest-neighbor (stores all)", "#7f8c8d"),
}


def main(raw: Path, picture: Path, part: str = "1500 moments") -> None:
    entries = [json.loads(line) for line in raw.read_text().splitlines()]
    results = {e["result"]["data"]: e["result"] for e in entries if e["part"] == part}
    figure, axes = plt.subplots(1, len(results), figsize=(3.4 * len(results), 3.2))
    for axis, (data, result) in zip(axes, results.items(), strict=True):
        draw(axis, result)
        axis.set_title(data, fontsize=10)
        axis.set_xlabel("moments lived")
    axes[0].set_ylabel("accuracy, before learning")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(SHOWN), fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    figure.savefig(picture)


def draw(axis, result: dict) -> None:
    """Curves with their 95 % intervals over lives."""
    rows = {row["name"]: row for row in result["learners"]}
    rows["backprop"] = rows[result["best_backprop"]]
    for name, (label, color) in SHOWN.items():
        curve = rows[name]["curve"]
        wide = 2.2 if name.startswith("zoo") else 1.2
        axis.plot(curve["moment"], curve["accuracy"], color=color, lw=wide, label=label)
        axis.fill_between(
            curve["moment"], curve["lower"], curve["upper"], color=color, alpha=0.15, lw=0
        )
    axis.set_ylim(0, 1)
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
