"""The comparison as a table for the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from metaplast.bench.matrix import judged


def table(result: dict[str, Any]) -> Table:
    """Rows sorted by accuracy, with intervals and the difference to the best backprop.

    Args:
        result: what `bench` returned, or one setting of a suite. Accuracy is online, unless the
            setting is judged by held-out examples.
    """
    widths = ",".join(str(width) for width in result["hidden"]) or "no hidden layer"
    oracle = result["best_backprop"]
    asked = "" if result.get("judged", "online") == "online" else ", held out"
    rest = f"; differences are to the best backprop, {oracle}" if oracle else ""
    drawn = Table(
        title=f"{result['data']}: {result['moments']} moments, {result['lives']} lives, {widths}",
        caption=(
            "accuracy, with 95 % bootstrap intervals over lives; rivals are tuned in hindsight on "
            f"these lives{rest}{asked}"
        ),
    )
    drawn.add_column("learner", no_wrap=True)
    extra = list(dict.fromkeys(n for entry in result["learners"] for n in entry["scores"]))
    for heading in (
        "online",
        "held-out",
        *extra,
        "to backprop",
        "diverged",
        "s",
        "updates",
        "upd/s",
        "val/cell",
        "val/syn",
    ):
        drawn.add_column(heading.replace("_", " "), justify="right", no_wrap=True)
    against = {p["name"]: p for p in result["paired"] if p["against"] == oracle}
    for entry in sorted(result["learners"], key=lambda e: -judged(result, e)[0]):
        cells = _cells(entry, against.get(entry["name"]), extra)
        drawn.add_row(*cells, style=_style(entry, result))
    return drawn


def _cells(entry: dict[str, Any], pair: dict[str, Any] | None, extra: list[str]) -> tuple[str, ...]:
    difference = "" if pair is None else f"{pair['difference']:+.3f} {_span(pair['ci'], '+')}"
    return (
        entry["name"],
        f"{entry['online_accuracy']:.3f} {_span(entry['online_accuracy_ci'])}",
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


def _score(score: dict[str, Any] | None) -> str:
    if score is None or score["mean"] is None:
        return ""
    return f"{score['mean']:.3f} {_span(score['ci'])}"


def _span(ends: list[float], sign: str = "") -> str:
    low, high = (f"{end:{sign}.3f}".replace("0.", ".", 1) for end in ends)
    return f"({low} {high})"


def _style(entry: dict[str, Any], result: dict[str, Any]) -> str:
    if entry["found"]:
        return "bold green"
    return "bold" if entry["name"] == result["best_backprop"] else ""
