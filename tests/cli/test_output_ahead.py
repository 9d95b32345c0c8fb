"""Where a result goes is looked at before anything is computed: one line, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaplast.cli import main
from metaplast.cli.output import writable, writable_file

UNWRITABLE = {
    "a folder": ("folder", "is a folder"),
    "in a file": ("file/x", "file cannot be written to"),
    "in no file system of ours": ("/proc/x", "/proc cannot be written to"),
}


class Begun(Exception):
    """Work has begun."""


def _begun(*_, **__):
    raise Begun


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with a folder and a file in it; whatever is expensive says that it has begun."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("metaplast.selection.training.training", _begun)
    monkeypatch.setattr("metaplast.bench.suite.run", _begun)
    monkeypatch.setattr("metaplast.bench.bench", _begun)
    monkeypatch.setattr("metaplast.cli.audit._audited", _begun)
    monkeypatch.setattr("metaplast.cli.infer._recorded", _begun)
    Path("folder").mkdir()
    Path("file").write_text("# Mine\n")


def refused(words: list[str], capsys) -> str:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("case", UNWRITABLE)
def test_a_selection_that_could_not_be_saved_is_not_trained(case, capsys):
    out, told = UNWRITABLE[case]
    said = refused(["selection", "--out", out, "--again"], capsys)
    assert f"out = {out}: " in said and told in said and "give a file" in said


AUDIT = ["audit", "frozen"]
INFER = ["infer", "digits", "cells.npz", "--kind", "readout"]
SEEDED = {
    "selection": ["selection", "--out", "x"],
    "audit": AUDIT,
    "bench": ["bench", "frozen"],
    "suite": ["bench", "frozen", "--suite", "spiking"],
    "estimators": ["estimators", "digits"],
}


@pytest.mark.parametrize("command", SEEDED)
@pytest.mark.parametrize("seed", [-1, 2**32, 99999999999999999999])
def test_all_commands_take_the_same_seeds(command, seed, capsys):
    said = refused([*SEEDED[command], f"--seed={seed}"], capsys)
    assert f"seed = {seed}: expected 0 or more, below 2**32" in said


@pytest.mark.parametrize("command", sorted(set(SEEDED) - {"estimators"}))
def test_the_largest_seed_is_one(command):
    """The control of all that say when work has begun."""
    with pytest.raises(Begun):
        main([*SEEDED[command], "--seed", str(2**32 - 1)])


@pytest.mark.parametrize("case", UNWRITABLE)
@pytest.mark.parametrize("words", [AUDIT, INFER], ids=["audit", "infer"])
def test_what_could_not_be_saved_is_not_computed(words, case, capsys):
    out, _ = UNWRITABLE[case]
    assert f"out = {out}: " in refused([*words, "--out", out], capsys)


@pytest.mark.parametrize("words", [AUDIT, INFER], ids=["audit", "infer"])
@pytest.mark.parametrize("out", [(), ("--out", "folder/x")])
def test_what_can_be_saved_is_computed(words, out):
    """The control."""
    with pytest.raises(Begun):
        main([*words, *out])


@pytest.mark.parametrize(
    "words", [["file", "--again"], ["new/folder/x"], ["x", "--seed", str(2**32 - 1)]]
)
def test_a_selection_that_can_be_saved_is_trained(words):
    """The control of both."""
    with pytest.raises(Begun):
        main(["selection", "--out", *words])


MARKS = "<!-- suite spiking -->", "<!-- /suite spiking -->"
PAGES = {
    "no text": (b"\xff\xfe", "expected a page in UTF-8"),
    "a begin alone": (MARKS[0].encode(), "is missing; add it"),
    "an end alone": (MARKS[1].encode(), "is missing; add it"),
    "an end before its begin": ("".join(MARKS[::-1]).encode(), "swap them"),
}


def _suite(page: str) -> list[str]:
    return ["bench", "frozen", "--suite", "recognition", "spiking", "--write", page]


@pytest.mark.parametrize("case", PAGES)
def test_a_page_that_cannot_be_kept_up_is_refused_before_a_suite_is_lived(case, capsys):
    content, told = PAGES[case]
    Path("page.md").write_bytes(content)
    said = refused(_suite("page.md"), capsys)
    assert "write = 'page.md': " in said and told in said
    assert Path("page.md").read_bytes() == content


@pytest.mark.parametrize("page", ["folder", "/proc/x"])
def test_a_page_that_cannot_be_written_is_refused_before_a_suite_is_lived(page, capsys):
    assert f"write = {page}: " in refused(_suite(page), capsys)


@pytest.mark.parametrize("content", ["# Mine\n", "\n".join(MARKS), None])
def test_any_other_page_is_taken(content):
    """The control of both."""
    if content is not None:
        Path("page.md").write_text(content)
    with pytest.raises(Begun):
        main(_suite("page.md"))


def test_a_look_leaves_nothing_behind():
    writable(Path("folder/new"))
    writable_file(Path("folder/new/x"), "out")
    assert not list(Path("folder").iterdir())
    with pytest.raises(ValueError, match=r"out = file/new: .*file cannot be written to"):
        writable(Path("file/new"))
    with pytest.raises(ValueError, match=r"^experiment = file/new: .*file cannot be written to"):
        writable(Path("file/new"), "experiment")
