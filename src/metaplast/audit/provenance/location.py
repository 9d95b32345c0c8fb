"""Where in the user's source an equation was written.

JAX keeps a Python traceback with every equation. The innermost frame that is not of JAX, Equinox
or the like is where the operation was written. Inside a jitted function JAX traces once and keeps
the equations, so the frames outside that function belong to whoever called it first: they are not
looked at, and the call's own traceback is looked at instead.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

INTERNALS = ("jax", "jaxlib", "equinox", "jaxtyping", "beartype", "numpy", "optax")
"""Packages whose lines say nothing to a user."""


class Location(NamedTuple):
    """A line of source."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.line}" if self.file else "unknown source"


NOWHERE = Location("", 0, "")


def locate(sources: Iterable[Any]) -> Location:
    """The line for an equation's source info, followed by that of the calls it stood in.

    `NOWHERE` if JAX kept no traceback, or none of the user's code is in it.
    """
    for source in sources:
        for file, line, function in _frames(source):
            if function.startswith("trace_to_jaxpr"):
                break  # further out is the first caller, not this one
            if not _is_internal(file):
                return Location(file, line, function)
    return NOWHERE


def _frames(source: Any) -> Iterator[tuple[str, int, str]]:
    """File, line and function of each frame, innermost first."""
    traceback = getattr(source, "traceback", None)
    if traceback is None:
        return
    frames = getattr(traceback, "frames", None)
    if frames is not None:
        for frame in frames:
            yield frame.file_name, frame.line_num, frame.function_name.rsplit(".", 1)[-1]
        return
    # Without JAX's own frames, the Python traceback that it can be turned into (outermost first).
    chain, link = [], traceback.as_python_traceback()
    while link is not None:
        code = link.tb_frame.f_code
        chain.append((code.co_filename, link.tb_lineno, code.co_name))
        link = link.tb_next
    yield from reversed(chain)


def _is_internal(file: str) -> bool:
    return file.startswith("<") or file.startswith(_internal_directories())


@functools.cache
def _internal_directories() -> tuple[str, ...]:
    import contextlib

    directories = [os.path.dirname(contextlib.__file__) + os.sep + name
                   for name in ("contextlib.py", "functools.py")]  # fmt: skip
    for package in INTERNALS:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            directories.append(os.path.dirname(spec.origin) + os.sep)
    return tuple(directories)
