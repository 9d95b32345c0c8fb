"""The tables of the page, as HTML."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from metaplast.report.verdict import percent, points, told

Cells = list[str]


def bench_table(cell: dict[str, Any]) -> str:
    """Every learner: accuracy with intervals, difference to the best backprop, cost."""
    oracle = cell["best_backprop"]
    pairs = {p["name"]: p for p in cell["paired"] if p["against"] == oracle}
    rows = []
    for entry in sorted(cell["learners"], key=lambda e: -e["online_accuracy"]):
        mark = "found" if entry["found"] else "oracle" if entry["name"] == oracle else ""
        rows.append((mark, _learner(entry, pairs.get(entry["name"]))))
    headings = [
        "learner", "online accuracy, 95 %", "held-out at the end, 95 %",
        "− best backprop, points, 95 %", "diverged", "tuned to", "seconds",
    ]  # fmt: skip
    return html_table(headings, rows)


def genome_table(tensors: dict[str, Any], start: dict[str, Any] | None = None) -> str:
    """The numbers of a genome; logarithms are shown as what they stand for.

    Args:
        tensors: by part.
        start: the same where the search began, if that is known.
    """
    found, began = genome_numbers(tensors), genome_numbers(start or {})
    several = began.keys() == found.keys()
    rows = [
        ("", [escape(part), escape(value), *([escape(began[part])] if several else [])])
        for part, value in found.items()
    ]
    return html_table(["part", "value", *(["at the start"] if several else [])], rows)


def genome_numbers(tensors: dict[str, Any]) -> dict[str, str]:
    """What each part of a genome holds, in words; logarithms as what they stand for."""
    return dict(map(_number, sorted(tensors.items())))


def facts_table(facts: dict[str, Any]) -> str:
    """Names and values."""
    return html_table(
        [], [("", [escape(name), escape(str(value))]) for name, value in facts.items()]
    )


def html_table(headings: Cells, rows: list[tuple[str, Cells]]) -> str:
    """A table; each row is a CSS class and cells that are HTML already."""
    head = "".join(f"<th>{escape(h)}</th>" for h in headings)
    body = "".join(
        f'<tr class="{mark}">{"".join(f"<td>{c}</td>" for c in cells)}</tr>' for mark, cells in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _learner(entry: dict[str, Any], pair: dict[str, Any] | None) -> Cells:
    badge = ' <span class="badge">found</span>' if entry["found"] else ""
    difference = ""
    if pair:
        ends = pair["ci"]
        span = f"{points(ends[0])} to {points(ends[1])}" if ends else ""
        difference = points(pair["difference"]) + _muted(span)
    return [
        escape(entry["name"]) + badge + (_muted(entry["told"]) if entry.get("told") else ""),
        percent(entry["online_accuracy"]) + _muted(_span(entry["online_accuracy_ci"])),
        percent(entry["test_accuracy"]) + _muted(_span(entry["test_accuracy_ci"])),
        difference,
        str(entry["diverged"]),
        f'<span class="tuned">{escape(told(entry) or "—")}</span>',
        f"{entry['seconds']:.1f}",
    ]


def _muted(text: str) -> str:
    return f' <span class="ci">{escape(text)}</span>'


def _span(ends: list[float] | None) -> str:
    if ends is None:
        return ""
    return f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}"


def _number(item: tuple[str, Any]) -> tuple[str, str]:
    name, array = item
    part = name.replace("['", ".").replace("']", "").lstrip(".")
    if part.endswith(".log") or part.startswith("log_gains"):
        part = part.removesuffix(".log").replace("log_gains", "gains")
        with np.errstate(over="ignore"):  # a rate without end is shown as that
            array = np.exp(array.astype(float))
    values = [float(v) for v in array.ravel()[:6]]
    shown = ", ".join(f"{v:.4g}" for v in values)
    if array.size > len(values):
        shape = " × ".join(map(str, array.shape))
        shown += f", … ({shape} numbers, {float(array.min()):.3g} to {float(array.max()):.3g})"
    return part, shown
