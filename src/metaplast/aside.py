"""Work in another thread, for what needs no Python while it runs, such as compiling."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


def aside(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Call a function in a thread of its own, which ends when it has returned."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(function, *arguments)
    finally:
        pool.shutdown(wait=False)
