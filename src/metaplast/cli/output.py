"""Standard output, for machines and for people."""

from __future__ import annotations

import json
import math
import sys
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


def wide_console(columns: int = 120):
    """A console as wide as the terminal; into a pipe, which has no width, `columns`."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else columns)
