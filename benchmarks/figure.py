"""Learning curves of the found rule and its rivals, a panel for every data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def draw(results: Sequence[dict[str, Any]], picture: Path) -> None:
    """Draw results of `bench`'s form, side by side."""
    figure, axes = plt.subplots(1, len(results), figsize=(3.4 * len(results), 3.2), squeeze=False)
    for axis, result in zip(axes[0], results, strict=True):
        panel(axis, result)
        axis.set_title(result["data"], fontsize=10)
        axis.set_xlabel("moments lived")
    axes[0, 0].set_ylabel("accuracy, before learning")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(SHOWN), fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    figure.savefig(picture)


def panel(axis, result: dict) -> None:
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
