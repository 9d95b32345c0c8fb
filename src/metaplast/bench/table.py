"""The comparison as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from metaplast import coverage
from metaplast.bench.matrix import judged

COST = ("diverged", "s", "updates", "upd/s", "val/cell", "val/syn")
"""What is told of a row beside its accuracy."""
DISPENSABLE = ("val/syn", "val/cell", "upd/s", "updates", "s", "diverged", "held-out")
"""What a narrow terminal does without, the first first; scores of the task go before `held-out`."""


def table(result: dict[str, Any], without: Sequence[str] = ()) -> Table:
    """Rows sorted by accuracy, with intervals and the difference to the best backprop.

    Args:
        result: what `bench` returned, or one setting of a suite. Accuracy is online, unless the
            setting is judged by held-out examples.
        without: headings of columns that are left out; the caption says so.
    """
    widths = ",".join(str(width) for width in result["hidden"]) or "no hidden layer"
    oracle = result["best_backprop"]
    lives = f"{result['lives']} {'life' if result['lives'] == 1 else 'lives'}"
    drawn = Table(
        title=escape(f"{result['data']}: {result['moments']} moments, {lives}, {widths}"),
        caption=escape("\n".join(_caption(result, without))),
        caption_justify="left",
    )
    drawn.add_column("learner", no_wrap=True)
    extra = list(dict.fromkeys(n for entry in result["learners"] for n in entry["scores"]))
    headings = ["online", "held-out", *(_words(name) for name in extra), "to backprop", *COST]
    shown = [place for place, heading in enumerate(headings) if heading not in without]
    for place in shown:
        drawn.add_column(headings[place], justify="right", no_wrap=True)
    against = {p["name"]: p for p in result["paired"] if p["against"] == oracle}
    for entry in sorted(result["learners"], key=lambda e: -judged(result, e)[0]):
        name, *cells = _cells(entry, against.get(entry["name"]), extra)
        drawn.add_row(name, *(cells[place] for place in shown), style=_style(entry, result))
    return drawn


def show(result: dict[str, Any], console: Console) -> None:
    """Print the table so that no number is cut: on a terminal, without the columns that it has no
    room for; into a pipe, as wide as it is.

    Args:
        result: as for `table`.
        console: whose width counts if it is a terminal.
    """
    extra = dict.fromkeys(_words(n) for entry in result["learners"] for n in entry["scores"])
    order = [*DISPENSABLE[:-1], *extra, *DISPENSABLE[-1:]]
    without: list[str] = []
    while console.is_terminal and _width(table(result, without), console) > console.width and order:
        without.append(order.pop(0))
    drawn = table(result, without)
    if not console.is_terminal:  # a console never prints wider than it is
        wide = max(_width(drawn, console), console.width)
        console = Console(file=console.file, width=wide)
    console.print(drawn)


def _width(drawn: Table, console: Console) -> int:
    """Columns of characters that a table needs, its title and caption aside, which wrap."""
    wide = console.options.update(width=10_000, max_width=10_000)
    return drawn.__rich_measure__(console, wide).maximum


def _caption(result: dict[str, Any], without: Sequence[str]) -> list[str]:
    oracle, lives = result["best_backprop"], result["lives"]
    asked = "" if result.get("judged", "online") == "online" else ", held out"
    rest = f"; differences are to the best backprop, {oracle}" if oracle else ""
    intervals = ", with 95 % bootstrap intervals over lives" if lives > 1 else ""
    told = [
        f"accuracy{intervals}; rivals are tuned in hindsight on these lives{rest}{asked}",
    ]
    told += _tuning(result["learners"])
    if caution := coverage.caution(lives):
        told.append(caution)
    if any(entry.get("told") for entry in result["learners"]):
        told.append(
            f"{MARK} hears the target, which this task tells no rule (it is taught by reward): an "
            "upper bound, no rival"
        )
    if why := result.get("unscored"):
        told.append(why)
    if without:
        told.append(f"no room here for {', '.join(without)}: --json has them, and so has a pipe")
    return told


def _tuning(learners: Sequence[dict[str, Any]]) -> list[str]:
    """How many settings were tried, and for whom a better one may lie beyond them."""
    tuned = {entry["name"]: entry["tuned"] for entry in learners if entry.get("tuned")}
    counts = sorted({len(report["tried"]) for report in tuned.values() if "tried" in report})
    if not counts:
        return []
    many = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    edge = [name for name, report in tuned.items() if report.get("on_edge")]
    beyond = f"; best on an edge of what was tried: {', '.join(edge)}" if edge else ""
    return [f"settings tried for a learner that has any: {many}{beyond}"]


MARK = "*"
"""Behind the name of who hears more than the task tells."""


def _cells(entry: dict[str, Any], pair: dict[str, Any] | None, extra: list[str]) -> tuple[str, ...]:
    difference = "" if pair is None else f"{pair['difference']:+.3f}{_span(pair['ci'], '+')}"
    return (
        escape(entry["name"]) + (MARK if entry.get("told") else ""),
        f"{entry['online_accuracy']:.3f}{_span(entry['online_accuracy_ci'])}",
        f"{entry['test_accuracy']:.3f}",
        *(_score(entry["scores"].get(name)) for name in extra),
        difference,
        str(entry["diverged"]),
        f"{entry['seconds']:.0f}",
        f"{entry['synapse_updates']:.1e}",
        f"{entry['synapse_updates_per_second']:.1e}",
        f"{entry['values_per_cell']:.1f}",
        f"{entry['values_per_synapse']:.1f}",
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _score(score: dict[str, Any] | None) -> str:
    if score is None or score["mean"] is None:
        return ""
    return f"{score['mean']:.3f}{_span(score['ci'])}"


def _span(ends: list[float] | None, sign: str = "") -> str:
    if ends is None:
        return ""
    low, high = (f"{end:{sign}.3f}".replace("0.", ".", 1) for end in ends)
    return f" ({low} {high})"


def _style(entry: dict[str, Any], result: dict[str, Any]) -> str:
    if entry["found"]:
        return "bold green"
    return "bold" if entry["name"] == result["best_backprop"] else ""
