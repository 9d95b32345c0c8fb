"""A disk, or a file, without room: the path, and how to go on. Limits are real ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from metaplast import rulefile

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"
SMALL = 16_384
"""Bytes that a file may have: a log and a checkpoint fit, a comparison does not."""


def _limited(words: list[str], folder: Path, environment: dict[str, str]):
    # The child limits itself: this process has threads, which must not be forked.
    script = (
        "import resource, sys; from metaplast.cli import main; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({SMALL}, {SMALL})); "
        "sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        env={**environment, "METAPLAST_CACHE": "off"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_file_that_finds_no_room_is_named_and_the_run_goes_on(tmp_path, environment, metaplast):
    answer = _limited(["search", str(TINY), "--out", "run"], tmp_path, environment)
    assert answer.returncode == 2
    said = answer.stderr.strip().splitlines()[-1]
    assert said.startswith("metaplast: error: run/") and "File too large" in said
    assert "metaplast resume run" in said and "Traceback" not in answer.stderr
    assert (tmp_path / "run" / rulefile.RULE).exists()
    assert metaplast("resume", "run").returncode == 0  # the control: with room it ends
    assert (tmp_path / "run" / "report.html").stat().st_size > SMALL


def test_a_write_names_its_file(tmp_path):
    with pytest.raises(OSError, match="no/rule") as fault:
        rulefile.replace(tmp_path / "no" / "rule", b"x")
    assert fault.value.filename == str(tmp_path / "no" / "rule")
    rulefile.replace(tmp_path / "rule", b"x")
    assert (tmp_path / "rule").read_bytes() == b"x"


def test_a_suite_folder_is_looked_at_before_anybody_lives(tmp_path, monkeypatch, capsys):
    from metaplast.cli import main

    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    for out in ("file", "file/suite"):
        assert main(["bench", "frozen", "--suite", "spiking", "--out", out]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and f"out = {out}: " in said and "written" in said
