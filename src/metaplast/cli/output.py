"""Standard output, for machines and for people."""

from __future__ import annotations

import json
import math
import os
import sys
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


def writable(out: Path) -> None:
    """Refuse a folder in which nothing can be written, or which cannot be made.

    Raises:
        ValueError: it says which folder above it is the reason.
    """
    target = out.absolute()
    above = next(folder for folder in (target, *target.parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise ValueError(
            f"out = {out}: {above} cannot be written to; give a folder you can write to"
        )


def wide_console(columns: int = 120):
    """A console as wide as the terminal; into a pipe, which has no width, `columns`."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else columns)
