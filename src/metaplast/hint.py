"""What to type next, as a shell takes it."""

from __future__ import annotations

import shlex
from pathlib import Path


def resume(folder: str | Path) -> str:
    """The command that goes on with a run."""
    return f"metaplast resume {shlex.quote(str(folder))}"


def anew(folder: str | Path) -> str:
    """The command that begins the search of a run again."""
    return f"metaplast search {shlex.quote(str(Path(folder) / 'spec.toml'))}"
