"""`metaplast bench --suite`: lived entry by entry, resumed where it stopped, written to a page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metaplast.cli.heard import misheard_by
from metaplast.cli.output import document, wide_console, writable, writable_file
from metaplast.cli.progress import display

if TYPE_CHECKING:
    from metaplast.suites import Setting
    from metaplast.tasks.abstract import AbstractTask


def live(
    suites: Sequence[str],
    learners: Sequence[str],
    lives: int,
    seed: int,
    folder: Path,
    page: Path | None,
    as_json: bool,
) -> None:
    """Live what is missing, print all of it, and put it into a page where one is given.

    Raises:
        ValueError: an unknown suite or learner, too few lives for a page, a page that cannot be
            written, data that cannot be read.
    """
    from metaplast.suites import suite

    settings = {name: suite(name) for name in suites}
    if lives < 1:
        raise ValueError(f"lives = {lives}: expected 1 or more, and 16 or more for a claim")
    if page is not None:
        _check_page(page, lives)
    writable(folder)  # before the first entry is lived, and not after it

    from metaplast.bench import matrix
    from metaplast.bench import page as pages
    from metaplast.bench.archive import Archive
    from metaplast.bench.suite import run
    from metaplast.bench.table import show
    from metaplast.learners.registry import ROWS
    from metaplast.suites import FOUND

    if page is not None:
        for name in settings:
            pages.around(page, name)  # now as well, and not only when the suite has been lived
    archive, whole, rows = Archive(folder), {}, learners or (FOUND, *ROWS)
    with display() as shown:
        for name, columns in settings.items():
            for line in misheard_by(rows, _tasks(columns)):
                shown.say(line)
            whole[name] = run(columns, rows, archive, lives, seed, shown.row, shown.say)
            if page is not None:  # at once, for the suite after it may never end
                pages.write(page, name, whole[name])
    if as_json:
        document({"suites": whole})
    else:
        console = wide_console(160)
        for name, results in whole.items():
            for result in results:
                show(result, console)
            if results:
                console.print(matrix.drawn(name, results))


def _tasks(settings: Sequence[Setting]) -> Iterator[AbstractTask]:
    """What can be lived here; `run` says what cannot."""
    from metaplast.bench.protocol import task_of

    for setting in settings:
        with contextlib.suppress(FileNotFoundError, ImportError):
            yield task_of(setting.data, setting.moments)


def _check_page(page: Path, lives: int) -> None:
    """Refuse a page that could not be written, whatever it says now."""
    if lives < FEWEST:
        raise ValueError(
            f"lives = {lives}: expected {FEWEST} or more for --write; leave --write out, or give "
            f"--lives {FEWEST}"
        )
    if not page.parent.is_dir():
        raise ValueError(f"write = {str(page)!r}: no folder {page.parent}; make it first")
    writable_file(page, "write")


FEWEST = 16
"""Lives below which no page is written."""
