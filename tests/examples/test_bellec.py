"""The spiking example runs from end to end."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "bellec_2020.py"
TINY = "--moments 10 --hidden 4 --steps 3 --pause 1 --lives 2 --rates 0.003,0.1"


def test_the_example_runs():
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), *TINY.split()], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(.+?)\s+(\d+\.\d) ±.* ±.* ± +\S+ +(\S+)", done.stdout, re.MULTILINE)
    named = {name: (float(accuracy), float(rate)) for name, accuracy, rate in rows}
    assert len(named) == 3 and "nan" not in done.stdout, done.stdout
    assert all(0 <= accuracy <= 100 for accuracy, _ in named.values())
    assert all(rate in (0.003, 0.1) for _, rate in named.values())
    assert "Deviations from the paper" in done.stdout and "wall time" in done.stdout
