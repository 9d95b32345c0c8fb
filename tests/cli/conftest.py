"""The command as a newcomer runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a user without settings of ours; compiled programs are shared."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("METAPLAST", "COLUMNS"))}
    return {**kept, "PYTHONPATH": str(SOURCE), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def metaplast(tmp_path: Path, environment: dict[str, str]):
    """Run `metaplast WORDS...` in an empty folder."""

    def run(*words: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "metaplast", *words],
            cwd=tmp_path,
            env={**environment, **extra},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run
