"""The example of nudges on a circle: what its first table shows, and what it refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = "laborieux_2022"
PATH = Path(__file__).parents[2] / "examples" / f"{EXAMPLE}.py"
TINY = "--hidden 4 --layers 1 --births 3 --moments 10 --tables 0"


def test_the_circle_gives_the_gradient_and_one_side_does_not():
    done = subprocess.run(
        [sys.executable, str(PATH), *TINY.split()], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(from one side|from both sides|16 points) (.*e-.*)$", done.stdout, re.M)
    assert len(rows) == 6, done.stdout
    for name, values in rows:
        errors = [float(value) for value in values.split()]
        at_a_tenth = errors[1]
        assert at_a_tenth < 1e-6 if name == "16 points" else at_a_tenth > 1e-3, (name, errors)


@pytest.mark.parametrize("bad", ["--nudge 1.5", "--points 1", "--points few"])
def test_bad_input_gives_one_line(example, bad, refused):
    assert bad in refused(example, *bad.split())
