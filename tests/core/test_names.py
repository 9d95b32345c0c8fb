"""Names that nobody defined: a branch that no test takes may hold one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MISSING = "F821"


def undefined(*where) -> str:
    """What ruff says of undefined names there."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", MISSING]
    done = subprocess.run([*command, *map(str, where)], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout if done.returncode else ""


def test_every_name_is_defined(tmp_path):
    folders = "src", "tests", "examples", "benchmarks"
    assert all(any((PROJECT / folder).glob("**/*.py")) for folder in folders)
    assert undefined(*folders) == ""
    careless = tmp_path / "careless.py"  # the control
    careless.write_text("def never():\n    raise Untraceable\n")
    assert "Untraceable" in undefined(careless)
