"""One section of the performance page: its words, its tables, and what it claims."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from interleaved import Spread, short


@dataclasses.dataclass(frozen=True)
class Claim:
    """A ratio (or difference) within one run, and what it should be."""

    text: str
    value: Spread
    most: float | None = None
    least: float | None = None
    whole: bool = False
    """Whether the whole spread has to be within the bounds, and not only the median."""

    @property
    def aim(self) -> str:
        bounds = (("at most", self.most), ("at least", self.least))
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)

    @property
    def met(self) -> bool:
        """Whether the median (or the whole spread) is within its bounds."""
        lowest, highest = (
            (self.value.low, self.value.high) if self.whole else (self.value.median,) * 2
        )
        above = self.least is None or lowest >= self.least
        return above and (self.most is None or highest <= self.most)

    def row(self) -> list[str]:
        verdict = ("yes" if self.met else "**no**") if self.aim else ""
        low, high = short(self.value.low), short(self.value.high)
        return [self.text, short(self.value.median), f"{low} to {high}", self.aim, verdict]


@dataclasses.dataclass
class Section:
    """Markdown lines under a heading, and claims."""

    title: str
    lines: list[str] = dataclasses.field(default_factory=list)
    claims: list[Claim] = dataclasses.field(default_factory=list)

    def write(self, text: str) -> None:
        """Add a paragraph."""
        self.lines += [text, ""]

    def table(self, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add a table."""
        self.lines += [*table(header, rows), ""]

    def parts(self) -> dict[str, Any]:
        """All of it, in what JSON knows."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, parts: dict[str, Any]) -> Section:
        """The section of these `parts`."""
        claims = [Claim(**{**c, "value": Spread(*c["value"])}) for c in parts["claims"]]
        return cls(parts["title"], parts["lines"], claims)

    def __str__(self) -> str:
        lines = [f"## {self.title}", "", *self.lines]
        if self.claims:
            lines += table(HEADER, [c.row() for c in self.claims])
        return "\n".join(lines)


MARKS = ("<!-- measured -->", "<!-- /measured -->")
"""Around what a benchmark writes into a page that is otherwise written by hand."""
HEADER = ("claim", "median", "quartiles", "aim", "met")
"""Of a table of claims."""


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A Markdown table; numbers stand right, words left, as the first row has them."""
    rows = [[str(entry) for entry in row] for row in rows]
    first = rows[0] if rows else header
    lines = ["---:" if entry[:1].isdigit() else "---" for entry in first]
    return [f"| {' | '.join(row)} |" for row in [list(header), lines, *rows]]


def put(page: Path, lines: Sequence[str], marks: tuple[str, str] = MARKS) -> None:
    """Write the generated lines of a page, in the place of those between its marks.

    Raises:
        ValueError: the page has no marks.
    """
    begin, end = marks
    text = page.read_text(encoding="utf-8")
    if not (begin in text and end in text):
        raise ValueError(f"write = {str(page)!r}: has no lines {begin} and {end}; add them")
    before, rest = text.split(begin, 1)
    inside = "\n".join([begin, "", *lines, "", end])
    page.write_text(before + inside + rest.split(end, 1)[1], encoding="utf-8")


def run(measure: Callable[[bool], Section], description: str) -> None:
    """The command line of a section: `--quick` for a short look, `--json` for the page."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short look, no figures to quote")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    section = measure(given.quick)
    print(json.dumps(section.parts()) if given.json else section, flush=True)


def say(text: str) -> None:
    """Tell whoever waits what is being done."""
    print(text, file=sys.stderr, flush=True)
