"""The comparison as a table for the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table


def table(result: dict[str, Any]) -> Table:
    """Rows sorted by online accuracy, with intervals and the difference to the best backprop.

    Args:
        result: what `bench` returned, one cell.
    """
    widths = ",".join(str(width) for width in result["hidden"]) or "no hidden layer"
    drawn = Table(
        title=f"{result['data']}: {result['moments']} moments, {result['lives']} lives, {widths}",
        caption=(
            "accuracy, with 95 % bootstrap intervals over lives; rivals are tuned in hindsight on "
            f"these lives; differences are to the best backprop, {result['best_backprop']}"
        ),
    )
    drawn.add_column("learner", no_wrap=True)
    for heading in ("online", "held-out", "to backprop", "lost"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    against = {p["name"]: p for p in result["paired"] if p["against"] == result["best_backprop"]}
    for entry in sorted(result["learners"], key=lambda e: -e["online_accuracy"]):
        drawn.add_row(*_cells(entry, against.get(entry["name"])), style=_style(entry, result))
    return drawn


def _cells(entry: dict[str, Any], pair: dict[str, Any] | None) -> tuple[str, ...]:
    difference = "" if pair is None else f"{pair['difference']:+.3f} {_span(pair['ci'], '+')}"
    return (
        entry["name"],
        f"{entry['online_accuracy']:.3f} {_span(entry['online_accuracy_ci'])}",
        f"{entry['test_accuracy']:.3f}",
        difference,
        str(entry["diverged"]),
    )


def _span(ends: list[float], sign: str = "") -> str:
    low, high = (f"{end:{sign}.3f}".replace("0.", ".", 1) for end in ends)
    return f"({low} {high})"


def _style(entry: dict[str, Any], result: dict[str, Any]) -> str:
    if entry["found"]:
        return "bold green"
    return "bold" if entry["name"] == result["best_backprop"] else ""
