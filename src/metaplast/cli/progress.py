"""What a person sees while something long runs: a live bar on a terminal, lines in a pipe."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import Any

PERIOD = 10.0
"""Seconds between two lines in a pipe."""


class Lines:
    """Progress as plain lines on standard error, not too many of them."""

    def __init__(self) -> None:
        self._said = -math.inf
        self._last = ""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *ending) -> None:
        del ending

    def say(self, text: str) -> None:
        """A line that is always shown."""
        print(text, file=sys.stderr, flush=True)

    def search(self, report: Any) -> None:
        """Where a search stands; `report` is a `metaplast.run.Report`."""
        last = report.step >= report.steps
        if last or time.monotonic() - self._said > PERIOD:
            self._said = time.monotonic()
            self.say(searching(report))

    def row(self, name: str, done: int, rows: int, what: str = "bench") -> None:
        """Which learner of a comparison is about to live, or what is about to be audited. Rows of
        an audit are short, so only some of them are worth a line."""
        first, last = what != self._last, done + 1 == rows
        if what != "audit" or first or last or time.monotonic() - self._said > PERIOD:
            self._said, self._last = time.monotonic(), what
            self.say(f"{what} {done + 1}/{rows}  {name}")


class Bar:
    """Progress as one live line on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.fields[what]}", justify="left"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[told]}", markup=False),  # it may be the name of a folder
            console=Console(stderr=True),
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: Any = None

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._bar.console.print(text, markup=False, highlight=False)

    def search(self, report: Any) -> None:
        """Where a search stands; `report` is a `metaplast.run.Report`."""
        self._show("search", report.step, report.steps, searching(report))

    def row(self, name: str, done: int, rows: int, what: str = "bench") -> None:
        """Which learner of a comparison is about to live, or what is about to be audited."""
        self._show(f"{what} ", done, rows, f"{done + 1}/{rows}  {name}")

    def _show(self, what: str, done: int, total: int, told: str) -> None:
        if self._task is None:
            self._task = self._bar.add_task("", what=what, told=told)
        self._bar.update(self._task, completed=done, total=total, what=what, told=told)


def display() -> Bar | Lines:
    """The live bar where somebody watches, lines where nobody does."""
    return Bar() if sys.stderr.isatty() else Lines()


def searching(report: Any) -> str:
    """One line about a search. Loss and accuracy are means over the last meta-steps
    (`run.SMOOTHING`); backprop is `reference`'s, tuned less than that of a comparison, with
    what it lived where that is not what the rule lives."""
    lost = f"  {100 * report.lost:.0f} % of {report.dealt} lost" if report.lost >= 0.005 else ""
    of = f" {report.backprop_lived}" if report.backprop_lived else ""
    return (
        f"meta-step {report.step}/{report.steps}  mean of the last: loss {report.loss:.3f} "
        f"accuracy {report.accuracy:.3f} (roughly tuned Adam {report.backprop_accuracy:.3f}{of})  "
        f"{speed(report.steps_per_second)}  {clock(report.seconds_left)} left{lost}"
    )


def speed(steps_per_second: float) -> str:
    """Steps per second, unknown while the first dispatch still compiles."""
    return f"{steps_per_second:.2f} steps/s" if math.isfinite(steps_per_second) else "? steps/s"


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 3:07."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
