"""Standard output, for machines and for people."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def document(value: Any) -> None:
    """Print one JSON document; numbers that JSON has no form for become null."""
    json.dump(plain(value), sys.stdout, indent=1)
    sys.stdout.write("\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """A copy made of plain JSON values."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return str(value)


def writable(folder: Path, argument: str = "out") -> None:
    """Refuse a folder in which nothing can be written, or which cannot be made.

    Args:
        folder: need not exist.
        argument: what gave it, for the message.

    Raises:
        ValueError: it says which folder above it is the reason.
    """
    if above := _closed(folder):
        raise ValueError(
            f"{argument} = {folder}: {above} cannot be written to; give a folder you can write to"
        )


def writable_file(file: Path, argument: str) -> None:
    """Refuse a file that could not be written once all is computed; its folder may be made then.

    Args:
        file: need not exist.
        argument: what gave it, for the message.

    Raises:
        ValueError: it is a folder; or it says which folder above it is the reason.
    """
    if file.is_dir():
        raise ValueError(f"{argument} = {file}: is a folder; give a file, in it or elsewhere")
    if above := _closed(file.absolute().parent):
        raise ValueError(
            f"{argument} = {file}: {above} cannot be written to; give a file in a folder you can "
            "write to"
        )


def _closed(folder: Path) -> Path | None:
    """What is in the way of writing into a folder that may have to be made: itself, or the nearest
    one above it that exists. None where nothing is."""
    target = folder.absolute()
    above = next(place for place in (target, *target.parents) if place.exists())
    return None if above.is_dir() and _takes_files(above) else above


def _takes_files(folder: Path) -> bool:
    """By trying as well: some users are told that they may write anywhere, even in /proc."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def wide_console(columns: int = 120):
    """A console as wide as the terminal; into a pipe, which has no width, `columns`."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else columns)
