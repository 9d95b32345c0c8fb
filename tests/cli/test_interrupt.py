"""Ctrl-C while libraries are imported, some of which lose it."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOSES = """
import os, signal, time
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
except KeyboardInterrupt:
    pass
"""
RUN = """
import contextlib, os, signal, sys, time
from metaplast.cli.failure import reported
from metaplast.cli.interrupt import imports_end
guard, what = sys.argv[1:]
with reported() as code, imports_end() if guard == "guarded" else contextlib.nullcontext():
    print("begun")
    if what == "importing":
        import loses
    else:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    print("went on")
sys.exit(code.value)
"""


@pytest.mark.parametrize(
    ("guard", "what", "code", "told"),
    [
        ("guarded", "importing", 130, "begun\n"),
        ("guarded", "working", 130, "begun\n"),
        ("unguarded", "importing", 0, "begun\nwent on\n"),
    ],
)
def test_an_import_that_loses_it_ends(tmp_path, guard, what, code, told):
    (tmp_path / "loses.py").write_text(LOSES)
    done = subprocess.run(
        [sys.executable, "-c", RUN, guard, what],
        capture_output=True, text=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, told)
    assert done.stderr == ("stopped\n" if code else "")
