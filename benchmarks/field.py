"""Do hand-designed alternatives do better than backprop? The page and the figure that answer.

    METAPLAST_DATA=folder metaplast bench --suite recognition --lives 32 --write docs/results.md
    python benchmarks/field.py --write docs/field.md --picture docs/field.svg

Nothing is lived here: entries are those that the suite stored, in `--from` (`runs/suite`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from section import put, table

from metaplast.bench.archive import Archive, about
from metaplast.bench.statistics import interval, paired
from metaplast.learners.registry import EXPANDED, ROWS, TRIVIAL
from metaplast.suites import FOUND, SUITES, Setting

SUITE = "recognition"
SAME = EXPANDED["backprop"]
"""Backprop in the network that hand-designed rules learn in."""
CONTROLS = ("readout_only", "frozen")
"""What learns no hidden synapse, or none at all."""
HAND = tuple(row for row in ROWS if row not in (*SAME, "backprop_shortcut", *TRIVIAL, *CONTROLS))
KINDS = {
    "found rule": ((FOUND,), "#c0392b"),
    "backprop": ((*SAME, "backprop_shortcut"), "#2c3e50"),
    "hand-designed": (HAND, "#2980b9"),
    "trivial": (TRIVIAL, "#b0a060"),
    "control": (CONTROLS, "#b0b0b0"),
}
"""Who is who in the figure, and in which color."""


class Column(NamedTuple):
    """One task."""

    title: str
    accuracy: dict[str, np.ndarray]
    """Of every learner that lived it: its online accuracy `[lives]`."""

    @property
    def rival(self) -> str:
        """The best backprop in the same network, in hindsight."""
        return max(SAME, key=lambda row: self.accuracy[row].mean())

    def beside(self, name: str, rival: str | None = None) -> dict[str, Any]:
        """A learner's paired difference to the best backprop, or to another one."""
        rival = rival or self.rival
        return paired(name, rival, self.accuracy[name], self.accuracy[rival])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="folder", type=Path, default=Path("runs/suite"))
    parser.add_argument("--lives", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="the page whose figures are replaced")
    parser.add_argument("--picture", type=Path, help="the figure that is drawn")
    given = parser.parse_args()
    archive = Archive(given.folder)
    columns = [c for s in SUITES[SUITE] if (c := column(s, archive, given.lives, given.seed))]
    if not columns:
        parser.error(
            f"--from {given.folder}: holds no {given.lives} lives of backprop in suite {SUITE}; "
            f"live them with: metaplast bench --suite {SUITE} --lives {given.lives}"
        )
    lines = page(columns, given.lives)
    print("\n".join(lines))
    if given.write:
        put(given.write, lines)
    if given.picture:
        draw(columns, given.picture)


def column(setting: Setting, archive: Archive, lives: int, seed: int) -> Column | None:
    """What is stored of a setting; None where backprop has not lived it."""
    stored = {row: archive.read(about(setting, row, lives, seed)) for row in (FOUND, *ROWS)}
    there = {row: entry for row, entry in stored.items() if entry}
    if not set(SAME) <= set(there):
        print(f"left out {setting.data}: nobody has lived it")
        return None
    title = next(iter(there.values()))["task"]["data"]
    by_life = {row: entry["by_life"][setting.judged] for row, entry in there.items()}
    return Column(title, {row: np.asarray(values, float) for row, values in by_life.items()})


def page(columns: Sequence[Column], lives: int) -> list[str]:
    """The answer in one sentence each, and everybody's differences."""
    return [
        f"Printed by `python benchmarks/field.py`: {lives} lives of every learner on every task.",
        "",
        counted("hand-designed rules", HAND, columns),
        "",
        against_control(columns),
        "",
        "Online accuracy minus that of the best of three optimizers of backprop in the same "
        "network (in brackets behind the task), in points, with 95 % intervals over lives; "
        "**bold** where the whole interval is above zero, *slanted* where it is below.",
        "",
        *differences(columns),
    ]


def counted(what: str, rows: Sequence[str], columns: Sequence[Column]) -> str:
    """How many comparisons are won, lost, or open, and by whom."""
    pairs = [c.beside(row) for c in columns for row in rows if row in c.accuracy]
    won = [p for p in pairs if p["ci"][0] > 0]
    lost = [p for p in pairs if p["ci"][1] < 0]
    who = sorted({p["name"] for p in won})
    names = f" ({', '.join(f'`{name}`' for name in who)})" if who else ""
    return (
        f"Of {len(pairs)} comparisons of {what} with the best backprop, {len(won)} are "
        f"won{names}, {len(lost)} lost, and {len(pairs) - len(won) - len(lost)} cannot be told; "
        "two or three in a hundred would be won by luck."
    )


def against_control(columns: Sequence[Column]) -> str:
    """How often hidden synapses that learn are worth more than hidden synapses that do not."""
    pairs = [
        c.beside(row, "readout_only")
        for c in columns
        for row in HAND
        if {row, "readout_only"} <= set(c.accuracy)
    ]
    ahead = sum(p["ci"][0] > 0 for p in pairs)
    behind = sum(p["ci"][1] < 0 for p in pairs)
    return (
        f"Of {len(pairs)} comparisons with `readout_only`, a network of that shape whose hidden "
        f"synapses stay as they were born, hand-designed rules win {ahead} and lose {behind}."
    )


def differences(columns: Sequence[Column]) -> list[str]:
    """A row per learner, in order of their mean difference."""
    rows = []
    for name in ranked(columns):
        cells = [cell(c.beside(name)) if name in c.accuracy else "" for c in columns]
        rows.append([f"**{name}**" if name == FOUND else name, *cells])
    header = ["", *(f"{c.title} ({100 * c.accuracy[c.rival].mean():.1f})" for c in columns)]
    return table(header, rows)


def ranked(columns: Sequence[Column]) -> list[str]:
    """Learners that lived every task first, the best on average at the top."""
    names = {name for c in columns for name in c.accuracy}

    def merit(name: str) -> tuple[int, float]:
        lived = [c for c in columns if name in c.accuracy]
        return len(lived), float(np.mean([c.beside(name)["difference"] for c in lived]))

    return sorted(names, key=merit, reverse=True)


def cell(pair: dict[str, Any]) -> str:
    """A difference in points, and what its interval allows to say."""
    low, high = (100 * end for end in pair["ci"])
    mark = "**" if low > 0 else "*" if high < 0 else ""
    return f"{mark}{100 * pair['difference']:+.1f}{mark} [{low:.1f}, {high:.1f}]"


def draw(columns: Sequence[Column], picture: Path) -> None:
    """Everybody's accuracy, a panel for every task, the best backprop as a line."""
    names = ranked(columns)[::-1]
    colors = {row: color for rows, color in KINDS.values() for row in rows}
    figure, axes = plt.subplots(
        1, len(columns), figsize=(1.5 + 1.9 * len(columns), 0.24 * len(names) + 1.2),
        sharey=True, squeeze=False,
    )  # fmt: skip
    for axis, column in zip(axes[0], columns, strict=True):
        axis.axvline(column.accuracy[column.rival].mean(), color="#2c3e50", lw=0.8, ls=":")
        for place, name in enumerate(names):
            if name not in column.accuracy:
                continue
            low, high = interval(column.accuracy[name])
            axis.plot([low, high], [place, place], color=colors[name], lw=1.2)
            axis.plot(column.accuracy[name].mean(), place, "o", color=colors[name], ms=4)
        axis.set_title(column.title, fontsize=9)
        axis.set_xlim(left=0)
        axis.grid(axis="y", color="#eeeeee", lw=0.6)
        axis.tick_params(labelsize=8, length=2)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.set_axisbelow(True)
    axes[0, 0].set_yticks(range(len(names)), names)
    figure.supxlabel("online accuracy, each example before it is learned", fontsize=9)
    dots = [Line2D([], [], color=c, marker="o", ls="", ms=4) for _, c in KINDS.values()]
    figure.legend(
        dots, list(KINDS), loc="upper left", ncols=len(KINDS), fontsize=8, frameon=False,
        bbox_to_anchor=(0.02, 1.0),
    )  # fmt: skip
    figure.tight_layout(rect=(0, 0, 1, 0.96))
    figure.savefig(picture)


if __name__ == "__main__":
    main()
