"""Ctrl-C: at once while there is nothing to lose, then as a wish that is granted at the next safe
place."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from metaplast.cli.failure import STOPPED

STANDARD_ERROR = 2
"""Its file descriptor."""


@contextlib.contextmanager
def imports_end() -> Iterator[None]:
    """Within the block, a SIGINT during an import ends the process.

    Libraries are mostly imported at the start, when nothing is done yet. An exception in the middle
    of that may be lost (the command goes on) or abort the process (jaxlib).
    """

    def handler(number: int, frame: FrameType | None) -> None:
        if _importing(frame):
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            # Not by `sys.stderr`, in whose place a file may stand while a library is imported.
            os.write(STANDARD_ERROR, b"stopped\n")
            os._exit(STOPPED)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def wishes() -> Iterator[Callable[[], bool]]:
    """Within the block, the first SIGINT or SIGTERM makes the yielded function say True, and the
    second interrupts at once."""
    asked = False

    def handler(number, frame) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = {s: signal.signal(s, handler) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, old in before.items():
            signal.signal(number, old)
