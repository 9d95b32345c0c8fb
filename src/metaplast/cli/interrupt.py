"""Ctrl-C as a wish: the first is granted at the next safe place, the second at once."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def wishes() -> Iterator[Callable[[], bool]]:
    """Within the block, the first SIGINT or SIGTERM makes the yielded function say True."""
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
