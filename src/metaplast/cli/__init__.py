"""The command line: `metaplast search | resume | bench | audit | estimators | ...`.

Each sub-command is a frozen dataclass in a file of its own; what the dataclass says is
what `--help` says. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import warnings
from collections.abc import Iterator

from metaplast.cli.failure import Stopped, reported
from metaplast.cli.interrupt import imports_end
from metaplast.cli.parse import COMMANDS, chosen, overview


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 a demanded constraint is
    violated, 2 bad input, 130 stopped by Ctrl-C."""
    # What is loaded and traced stays; looking for garbage in it often slows a start.
    gc.set_threshold(100_000, 50, 50)
    program = imports_end() if arguments is None else contextlib.nullcontext()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    with reported() as code, program, _warnings_in_a_line():
        if not arguments or arguments[0] in ("-h", "--help"):
            print(overview())
        elif arguments[0] == "--version":
            from metaplast import __version__

            print(__version__)
        else:
            chosen(arguments).run()
    return code.value


@contextlib.contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Say of a warning what it says, and not where in this package it was given."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda text, *_, **__: f"metaplast: warning: {text}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


__all__ = ["COMMANDS", "Stopped", "main"]
