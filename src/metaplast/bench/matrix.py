"""A suite at a glance: learners x settings, in Markdown and for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

OBJECTS = "average_precision"
"""The score that counts where objects are detected."""
Value = Callable[[float, Sequence[float] | None], str]
"""A mean and its interval in words."""


def matrix(
    results: Sequence[dict[str, Any]], named: Callable[[dict[str, Any]], str], value: Value
) -> tuple[list[str], list[list[str]]]:
    """Heads and rows, the best learner of the first setting first.

    A cell is the average precision where objects are detected, and otherwise the accuracy that the
    setting is judged by: online, or on held-out examples.

    Args:
        results: settings of a suite.
        named: what an entry is called.
        value: how a cell is written.
    """
    cells: dict[str, list[str]] = {}
    best: dict[str, float] = {}
    for place, result in enumerate(results):
        for entry in result["learners"]:
            mean, interval = counted(result, entry)
            name = named(entry)
            cells.setdefault(name, [""] * len(results))[place] = value(mean, interval)
            if place == 0:
                best[name] = mean
    order = sorted(cells, key=lambda name: -best.get(name, 0.0))
    return ["learner", *map(title, results)], [[name, *cells[name]] for name in order]


def drawn(suite: str, results: Sequence[dict[str, Any]]) -> Table:
    """The matrix for the terminal."""
    heads, rows = matrix(results, lambda entry: entry["name"], lambda mean, _: f"{mean:.3f}")
    table = Table(
        title=f"suite {suite}: online accuracy; held out where that is what is asked; average "
        "precision where objects are detected"
    )
    for head in heads:
        table.add_column(escape(head), justify="left" if head == heads[0] else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def counted(result: dict[str, Any], entry: dict[str, Any]) -> tuple[float, list[float] | None]:
    """What counts in a setting, and its interval."""
    score = entry["scores"].get(OBJECTS)
    if score is not None and score["mean"] is not None:
        return score["mean"], score["ci"]
    return judged(result, entry)


def judged(result: dict[str, Any], entry: dict[str, Any]) -> tuple[float, list[float] | None]:
    """The accuracy by which rivals are tuned and rows are sorted."""
    online = result.get("judged", "online") == "online"
    name = "online_accuracy" if online else "test_accuracy"
    return entry[name], entry[f"{name}_ci"]


def title(result: dict[str, Any]) -> str:
    """A setting in a few words."""
    layers = len(result["hidden"]) + 1
    return f"{result['data']}, {result['moments']} moments, {layers} layers"
