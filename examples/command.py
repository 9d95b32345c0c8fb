"""The command line of an example: options that many have, and one line for bad input."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn


class Command(argparse.ArgumentParser):
    """An option that is a whole number says the least that it may be. Bad input is one line and
    exit code 2, before any work is done.

    Args:
        doc: of the example; its first line is shown by `--help`.
    """

    def __init__(self, doc: str | None):
        super().__init__(description=(doc or "").partition("\n")[0])
        self.least: dict[str, int] = {}

    def count(self, name: str, default: int, what: str | None = None, *, least: int = 1) -> None:
        """An option that is a whole number."""
        dest = self.add_argument(f"--{name}", type=int, default=default, help=what).dest
        self.least[dest] = least

    def several(
        self, name: str, default: str, what: str, kind: type = float, least: float | None = None
    ) -> None:
        """An option of numbers with commas between them, positive ones unless `least` is given."""

        def numbers(given: str) -> tuple:
            try:
                found = tuple(kind(part) for part in given.split(","))
            except ValueError:
                found = ()
            if not found or not all(n > 0 if least is None else n >= least for n in found):
                each = "positive numbers" if least is None else f"numbers of {least:g} or more"
                refuse(f"--{name} {given}: expected {each}, such as {default}")
            return found

        self.add_argument(f"--{name}", type=numbers, default=default, help=what)

    def descent(self, steps: int, lives: int, rate: float) -> None:
        """Options of a search by gradients."""
        self.count("steps", steps, "meta-steps")
        self.count("meta-lives", lives, "lives per meta-step")
        self.add_argument("--meta-rate", type=float, default=rate, help="Adam's first rate outside")

    def evolution(self, steps: int, population: int, lives: int) -> None:
        """Options of a search by evolution, which needs two candidates to choose from."""
        self.count("steps", steps, "generations")
        self.count("population", population, "candidates of a generation", least=2)
        self.count("meta-lives", lives, "lives of a candidate")

    def compared(self, lives: int, tables: int | None = None) -> None:
        """Options of the tables at the end; an interval needs two lives."""
        self.count("lives", lives, "lives of the comparison", least=2)
        if tables is not None:
            self.count("tables", tables, "most tables of the comparison", least=0)
        self.count("seed", 0, least=0)

    def parsed(self, arguments: list[str] | None, **least: float) -> argparse.Namespace:
        """The options, none of them less than its least.

        Args:
            arguments: of the command line.
            least: of options that are no whole numbers.
        """
        options = self.parse_args(arguments)
        at_least(options, **self.least, **least)
        return options

    def error(self, message: str) -> NoReturn:
        """Without the usage that argparse would print first."""
        refuse(message)


def at_least(options: argparse.Namespace, **least: float) -> None:
    """Refuse an option that is smaller than the number of its name."""
    for name, fewest in least.items():
        given = getattr(options, name)
        if not given >= fewest:
            refuse(f"--{name.replace('_', '-')} {given}: expected {fewest:g} or more")


def as_command(main: Callable[[], None]) -> None:
    """An example on the command line. What the library refuses is one line and exit code 2, too."""
    try:
        main()
    except (ValueError, OSError, ImportError) as fault:
        refuse(str(fault) or type(fault).__name__)


def refuse(why: str) -> NoReturn:
    """One line, and exit code 2."""
    print(" ".join(why.split()), file=sys.stderr)
    raise SystemExit(2)
