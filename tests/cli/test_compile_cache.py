"""Compiled programs are kept between runs, where the user wants them, and never in the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from metaplast import compile_cache
from metaplast.spec import dump, load

COMPILES = ("audit", "nearest_class_mean", "--constraint", "causality")
"""A command that compiles something, and is soon done."""


@pytest.fixture
def environment(environment):
    """That of a user who has told JAX nothing."""
    return {k: v for k, v in environment.items() if "CACHE_DIR" not in k and "MIN_COMPILE" not in k}


def _kept(place: Path) -> set[Path]:
    return {path for path in place.rglob("*") if path.is_file()}


def _ours(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "metaplast"


def test_a_run_leaves_entries_and_the_next_one_adds_none(metaplast, tmp_path):
    place = tmp_path / "mine"
    first = metaplast(*COMPILES, METAPLAST_CACHE=str(place))
    kept = _kept(place)
    assert first.returncode == 0 and kept
    second = metaplast(*COMPILES, METAPLAST_CACHE=str(place))
    assert _kept(place) == kept and second.returncode == 0
    other = ("audit", "recursive_least_squares", *COMPILES[2:])
    another = metaplast(*other, METAPLAST_CACHE=str(place))
    assert another.returncode == 0 and _kept(place) > kept, "negative control: another program"


def test_it_is_on_by_default_in_the_cache_folder_of_the_user(metaplast, tmp_path):
    assert metaplast(*COMPILES).returncode == 0
    # XDG_CACHE_HOME of the fixture; other platforms do not look at it.
    here = sys.platform not in ("win32", "darwin")
    assert not here or _kept(_ours(tmp_path) / "xla")


def test_what_jax_was_told_wins(metaplast, tmp_path):
    place = tmp_path / "theirs"
    answer = metaplast(*COMPILES, JAX_COMPILATION_CACHE_DIR=str(place))
    assert answer.returncode == 0 and _kept(place) and not _ours(tmp_path).exists()


def test_switched_off_it_leaves_nothing(metaplast, tmp_path):
    place = tmp_path / "theirs"
    answer = metaplast(*COMPILES, METAPLAST_CACHE="off", JAX_COMPILATION_CACHE_DIR=str(place))
    assert answer.returncode == 0 and not place.exists() and not _ours(tmp_path).exists()


@pytest.mark.parametrize("words", [["--help"], ["search", "--help"], ["list"], ["show", "Oja"],
                                   ["doctor"]], ids=" ".join)  # fmt: skip
def test_commands_that_compile_nothing_make_no_folder(metaplast, tmp_path, words):
    assert metaplast(*words).returncode == 0
    assert not _ours(tmp_path).exists()


def test_a_folder_that_cannot_be_written_costs_one_line(metaplast, tmp_path):
    (tmp_path / "file").write_text("no folder")
    plain = metaplast(*COMPILES, METAPLAST_CACHE="off")
    answer = metaplast(*COMPILES, METAPLAST_CACHE=str(tmp_path / "file"))
    warnings = [line for line in answer.stderr.splitlines() if "warning" in line]
    assert answer.returncode == 0 and len(warnings) == 1
    assert str(tmp_path / "file") in warnings[0] and "METAPLAST_CACHE" in warnings[0]
    assert "warning" not in plain.stderr and _verdicts(answer) == _verdicts(plain) != ""


def _verdicts(answer) -> str:
    return "\n".join(line for line in answer.stdout.splitlines() if "causality" in line)


def test_doctor_says_where_it_is_and_how_to_be_rid_of_it(metaplast, tmp_path):
    place = tmp_path / "mine"
    said = metaplast("doctor", METAPLAST_CACHE=str(place)).stdout
    assert f"{place / 'xla'}: 0.0 MiB" in said and "may be deleted" in said
    (place / "xla").mkdir(parents=True)
    (place / "xla" / "entry").write_bytes(b"0" * 2**20)
    assert "1.0 MiB" in metaplast("doctor", METAPLAST_CACHE=str(place)).stdout
    assert "off" in metaplast("doctor", METAPLAST_CACHE="off").stdout


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, Path("/x/metaplast/xla")),
        ("linux", {}, Path.home() / ".cache/metaplast/xla"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, Path.home() / "Library/Caches/metaplast/xla"),
        ("win32", {"LOCALAPPDATA": "/l"}, Path("/l/metaplast/xla")),
        ("linux", {"METAPLAST_CACHE": "/m", "XDG_CACHE_HOME": "/x"}, Path("/m/xla")),
        ("linux", {"METAPLAST_CACHE": "/m", "JAX_COMPILATION_CACHE_DIR": "/j"}, Path("/j")),
    ],
)
def test_each_platform_has_its_folder(monkeypatch, platform, environment, folder):
    monkeypatch.setattr(sys, "platform", platform)
    assert compile_cache.wanted(environment) == str(folder)


def test_a_tilde_is_the_users_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # what Windows asks
    assert compile_cache.wanted({"METAPLAST_CACHE": "~/mc"}) == str(tmp_path / "mc" / "xla")
    inside = {"METAPLAST_CACHE": "/m/~/mc"}  # control: a folder of that name is left alone
    assert compile_cache.wanted(inside) == str(Path("/m/~/mc/xla"))


def test_an_address_that_only_jax_understands_is_left_to_it():
    given = {"JAX_COMPILATION_CACHE_DIR": "gs://bucket/programs"}
    assert compile_cache.wanted(given) == "gs://bucket/programs"
    assert compile_cache.wanted({**given, "METAPLAST_CACHE": "Off"}) is None


ASKED = """
import os, sys
from metaplast import shelf
opened = shelf.opened
def told(cache):
    print(opened(cache) is not None, flush=True)
    os._exit(0)
shelf.opened = told
from metaplast.cli import main
main(sys.argv[1:])
"""
"""Says whether a command can keep what it traces, and ends before it traces anything."""


@pytest.mark.parametrize("words", ["search digits", "resume RUN"])
def test_no_command_loads_what_computes_before_the_shelf_is_open(words, environment, tmp_path):
    (tmp_path / "spec.toml").write_text(dump(load("digits")))
    command = words.replace("RUN", str(tmp_path)).split()

    def said(script: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", script, *command],
            env=environment, cwd=tmp_path, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    assert said(ASKED) == "True"
    assert said(f"import metaplast.network\n{ASKED}") == "False", "negative control"
