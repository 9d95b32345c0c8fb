"""A stored suite as Markdown: the matrix, then one table for each setting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metaplast import rulefile
from metaplast.bench.matrix import judged, matrix, title
from metaplast.learners.registry import ROWS
from metaplast.suites import FOUND

FEWEST = 16
"""Lives below which nothing is published."""
HEADINGS = {
    "average_precision": "average precision",
    "learned": "learned", "kept": "kept", "lost": "lost", "late": "last 1000 moments",
}  # fmt: skip


def write(path: Path, suite: str, results: Sequence[dict[str, Any]]) -> None:
    """Put a suite into a page, in the place of what the page said of it before.

    What stands outside the marks of the suite is kept.

    Raises:
        ValueError: fewer than 16 lives, nothing to show, a page that cannot be used (`around`).
    """
    if not results:
        raise ValueError(f"write = {str(path)!r}: suite {suite} has no entry yet; live it first")
    if (fewest := min(result["lives"] for result in results)) < FEWEST:
        raise ValueError(
            f"lives = {fewest}: expected {FEWEST} or more for a page; give --lives {FEWEST}"
        )
    before, after = around(path, suite)
    begin, end = _marks(suite)
    inside = "\n".join([begin, *document(suite, results), end])
    rulefile.replace(path, f"{before}{inside}{after}".encode())


def around(path: Path, suite: str) -> tuple[str, str]:
    """What a page says before the place of a suite, and after it; the end, where it has none yet.

    Raises:
        ValueError: a folder, a page that is no UTF-8 text, a mark without the other.
    """
    if path.is_dir():
        raise ValueError(f"write = {str(path)!r}: is a folder; give a Markdown file")
    try:
        text = path.read_text("utf-8") if path.exists() else "# Results\n"
    except UnicodeDecodeError:
        raise ValueError(
            f"write = {str(path)!r}: expected a page in UTF-8; convert it, or give another file"
        ) from None
    begin, end = _marks(suite)
    if (begin in text) != (end in text):
        raise ValueError(f"write = {str(path)!r}: one of {begin} and {end} is missing; add it")
    if begin not in text:
        return f"{text.rstrip()}\n\n", "\n"
    before, rest = text.split(begin, 1)
    if end not in rest:
        raise ValueError(f"write = {str(path)!r}: {end} stands before {begin}; swap them")
    return before, rest.split(end, 1)[1]


def _marks(suite: str) -> tuple[str, str]:
    return f"<!-- suite {suite} -->", f"<!-- /suite {suite} -->"


def document(suite: str, results: Sequence[dict[str, Any]]) -> list[str]:
    """The lines of a suite."""
    made = [m for result in results for m in result["made"]]
    days = sorted({m["date"] for m in made})
    machine = made[-1]
    heads, rows = matrix(results, _name, _value)
    lines = [
        f"## Suite {suite}",
        "",
        f"Written by `metaplast bench {_asked(results)}--suite {suite} "
        f"--lives {results[0]['lives']} --write FILE` from entries of "
        f"{' to '.join(dict.fromkeys((days[0], days[-1])))}, metaplast "
        f"{machine['metaplast']}, jax {machine['jax']}, Python {machine['python']}, "
        f"{machine['cores']} cores. Do not edit between the marks.",
        "",
        "All learners live the same lives from the same births; brackets are 95 % bootstrap "
        "intervals over lives. Rivals are tuned in hindsight on the very lives of the comparison, "
        "all by the same procedure: the whole grid of each variant on the first 4 lives, the three "
        "best settings on all lives. Who has more variants tries more settings: the column *tuned "
        "to* ends with how many, and says so where the best lies on the edge of a grid that has "
        "grown as often as it may. Found rules, and others that are not in the registry (bold), "
        "run as they are unless *tuned to* says otherwise.",
        "",
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    for result in results:
        lines += ["", *section(result)]
    return lines


def section(result: dict[str, Any]) -> list[str]:
    """All that is known of one setting."""
    found = [e["name"] for e in result["learners"] if e["found"]]
    pair = {p["against"]: p for p in result["paired"] if found and p["name"] == found[0]}
    extra = list(dict.fromkeys(n for e in result["learners"] for n in e["scores"]))
    sums = ", ".join(f"{name} sha256 {sum_[:16]}" for name, sum_ in result["checksums"].items())
    heads = [
        "learner", "online", "held out", *(HEADINGS.get(n, n) for n in extra), "found minus this",
        "tuned to", "diverged", "seconds", "updates a life", "updates/s", "values",
        "per cell", "per synapse",
    ]  # fmt: skip
    accuracy = "held-out" if result["judged"] == "held_out" else "online"
    lines = [
        f"### {title(result)}",
        "",
        f"{result['lives']} lives of {result['moments']} moments, {result['inputs']} inputs, "
        f"{result['classes']} classes, hidden layers {result['hidden']}, seed {result['seed']}; "
        f"tuned by and sorted by {accuracy} accuracy" + (f"; data: {sums}." if sums else "."),
        "",
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
    ]
    for entry in sorted(result["learners"], key=lambda e: -judged(result, e)[0]):
        scores = [_score(entry["scores"].get(name)) for name in extra]
        mine = pair.get(entry["name"])
        cells = [
            _name(entry),
            _value(entry["online_accuracy"], entry["online_accuracy_ci"]),
            _value(entry["test_accuracy"], entry["test_accuracy_ci"]),
            *scores,
            f"{mine['difference']:+.3f} {_bracket(mine['ci'])}" if mine else "",
            _tuned(entry["tuned"]),
            str(entry["diverged"]),
            f"{entry['seconds']:.1f}",
            f"{entry['synapse_updates']:.3g}",
            f"{entry['synapse_updates_per_second']:.2g}",
            str(entry["values"]),
            f"{entry['values_per_cell']:.1f}",
            f"{entry['values_per_synapse']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _asked(results: Sequence[dict[str, Any]]) -> str:
    """Which learners the page names, where they are not those that a suite has by default."""
    names = dict.fromkeys(entry["name"] for r in results for entry in r["learners"])
    return "" if names.keys() == {FOUND, *ROWS} else f"{' '.join(names)} "


def _name(entry: dict[str, Any]) -> str:
    return entry["name"] if entry["name"] in ROWS else f"**{entry['name']}**"


def _score(score: dict[str, Any] | None) -> str:
    return "" if score is None or score["mean"] is None else _value(score["mean"], score["ci"])


def _value(mean: float, interval: Sequence[float] | None) -> str:
    return f"{mean:.3f}" + (f" {_bracket(interval)}" if interval else "")


def _bracket(interval: Sequence[float]) -> str:
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]"


def _tuned(report: dict[str, Any]) -> str:
    hidden = ("grid", "tried", "tried_on_lives", "on_edge", "optimizer")
    chosen = ", ".join(f"{k} {v}" for k, v in report.items() if k not in hidden)
    edge = ", on the edge" if report.get("on_edge") else ""
    return f"{chosen}, of {len(report['tried'])}{edge}" if report else ""
