"""Whether what is being traced will be differentiated backward only.

A function may have a derivative of its own that is faster than JAX's, but JAX takes such a one in
reverse mode only, and refuses forward mode from then on. So whoever differentiates backward says
so, and functions that have such a derivative ask.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_backward: ContextVar[bool] = ContextVar("backward", default=False)


@contextlib.contextmanager
def backward_only() -> Iterator[None]:
    """What is traced inside has no derivative in forward mode."""
    token = _backward.set(True)
    try:
        yield
    finally:
        _backward.reset(token)


def only_backward() -> bool:
    """Whether that was said."""
    return _backward.get()
