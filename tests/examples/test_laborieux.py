"""The example of nudges on a circle: what its first table shows, and what it refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "laborieux_2022.py"


def ran(arguments: str):
    command = [sys.executable, str(EXAMPLE), *arguments.split()]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_circle_gives_the_gradient_and_one_side_does_not():
    done = ran("--hidden 4 --layers 1 --births 3 --moments 10 --tables 0")
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(from one side|from both sides|16 points) (.*e-.*)$", done.stdout, re.M)
    assert len(rows) == 6, done.stdout
    for name, values in rows:
        errors = [float(value) for value in values.split()]
        at_a_tenth = errors[1]
        assert at_a_tenth < 1e-6 if name == "16 points" else at_a_tenth > 1e-3, (name, errors)


@pytest.mark.parametrize("bad", ["--nudge 1.5", "--points 1", "--points few", "--lives 1"])
def test_bad_input_gives_one_line(bad):
    done = ran(bad)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and bad.split()[0] in done.stderr
