"""As many lives at once as there is memory for: what does not fit is traced again for fewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from metaplast import program
from metaplast.memory import Unfit
from metaplast.program import Compiled, Program
from metaplast.shelf import Shelf
from metaplast.spread import chunked

Trace = Callable[[Shelf | None], Program]
"""Traces a program, or reads it from a shelf."""


class Fitting(NamedTuple):
    """A traced program that may turn out to be too large."""

    program: Program
    at_once: int
    """Lives in its largest chunk; 0 where that is not for us to choose, or nobody looked."""
    trace: Trace

    def compiled(self) -> Compiled:
        """The program, with half as many lives at once until it fits the memory there is.

        Rounding depends on how many lives share a chunk, so it may differ where memory is short.

        Raises:
            Unfit: it does not fit, whatever is tried.
        """
        standing = self
        while True:
            try:
                return standing.program.compiled()
            except Unfit:
                fewer = standing.halved()
                if fewer is None:
                    raise
                standing = fewer

    def halved(self) -> Fitting | None:
        """The same for half as many lives at once; None where they cannot be fewer."""
        # What was read from a shelf does not tell how many there are.
        at_once = self.at_once or fitting(self.trace).at_once
        if at_once <= 1:
            return None
        fewer = fitting(self.trace, most=at_once // 2)
        # An item may stand for several lives, which are not divided.
        return fewer if fewer.at_once < at_once else None


def fitting(trace: Trace, shelf: Shelf | None = None, most: int | None = None) -> Fitting:
    """Trace a program, and see how many lives it lives at once.

    Args:
        trace: what traces it.
        shelf: where traced programs are kept, if anywhere.
        most: lives at once.
    """
    with chunked(most) as chunks:
        program = trace(shelf)
    return Fitting(program, chunks.largest, trace)


def fitted(function: Callable[..., Any], arguments: tuple, returns: Any) -> Compiled:
    """A function that nobody keeps, compiled for as many lives at once as fit.

    Args:
        function, arguments, returns: as `program.traced` takes them.

    Raises:
        Unfit: it does not fit, whatever is tried.
    """
    return fitting(lambda shelf: program.traced(function, arguments, returns, shelf)).compiled()
