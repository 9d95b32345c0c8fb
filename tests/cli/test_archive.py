"""`metaplast archive`: what a search for quality and diversity leaves to its user."""

from __future__ import annotations

import json

import numpy as np
import pytest

from metaplast import run as runs
from metaplast import spec as specs
from metaplast import store
from metaplast.cli import main

SMALL = (
    "meta.steps=3", "meta.population=4", "meta.lives=1", "meta.low=-8.0", "hidden=[4]",
    "task.moments=10",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A short run of the experiment that comes with the package."""
    folder = tmp_path_factory.mktemp("archive") / "frugal"
    spec = specs.with_overrides(specs.load("frugal"), SMALL)
    runs.create(folder, spec)
    assert runs.run(folder).finished
    return folder


def listed(folder, capsys) -> dict:
    assert main(["archive", str(folder), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_bin_is_listed_and_the_best_is_what_was_found(folder, capsys):
    held = listed(folder, capsys)
    assert held["axis"] == "changes" and held["step"] == 3 and len(held["bins"]) == 12
    filled = [row for row in held["bins"] if row["loss"] is not None]
    assert filled and len(filled) < 12
    for row in filled:
        assert row["low"] <= row["cost"] <= row["high"] and row["generations"] >= 1
    best = min(filled, key=lambda row: row["loss"])
    rule = folder.parent / "best.safetensors"
    assert main(["archive", str(folder), "--bin", str(best["bin"]), "--out", str(rule)]) == 0
    assert f"bin {best['bin']}" in capsys.readouterr().out
    found, saved = store.load(folder), store.load(rule)
    for kind in ("forward", "readout"):
        ours = np.asarray(saved.genome.rules[kind].coefficients)
        assert np.abs(ours).max() > 0
        np.testing.assert_array_equal(ours, found.genome.rules[kind].coefficients)
    assert main(["archive", str(folder)]) == 0
    table = capsys.readouterr().out
    assert "generations lived" in table and "–" in table


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--bin", "3"), "out is missing"),
        (("--out", "x.safetensors"), "bin is missing"),
        (("--bin", "99", "--out", "x.safetensors"), "bin = 99: nobody is in it"),
    ],
)
def test_bad_input_is_one_line(folder, capsys, words, said):
    assert main(["archive", str(folder), *words]) == 2
    complaint = capsys.readouterr().err.strip()
    assert said in complaint and "\n" not in complaint


def test_a_run_of_another_kind_is_refused(tmp_path, capsys):
    spec = specs.with_overrides(specs.load("frugal"), [*SMALL, 'meta={type="Genetic", steps=1}'])
    runs.create(tmp_path / "other", spec)
    assert main(["archive", str(tmp_path / "other")]) == 2
    assert "keeps no archive" in capsys.readouterr().err
    unbegun = specs.with_overrides(specs.load("frugal"), SMALL)
    runs.create(tmp_path / "unbegun", unbegun)
    assert main(["archive", str(tmp_path / "unbegun")]) == 2
    assert "metaplast resume" in capsys.readouterr().err


@pytest.mark.parametrize("edit", ["meta.high=3.0", 'meta={type="Genetic", steps=3}'])
def test_an_edited_spec_names_no_bins(folder, capsys, edit):
    """Its bins would have other limits than those that the archive was filled by."""
    path = folder / "spec.toml"
    before = path.read_text()
    try:
        path.write_text(specs.dump(specs.with_overrides(specs.load(path), [edit])))
        assert main(["archive", str(folder)]) == 2
        printed = capsys.readouterr()
        assert "spec.toml: meta is not what this run began with; put it back" in printed.err
        assert printed.out == "" and printed.err.count("\n") == 1
        path.write_text(before.replace('name = "frugal"', 'name = "other"'))
        assert path.read_text() != before
        assert len(listed(folder, capsys)["bins"]) == 12  # the control: a name decides nothing
    finally:
        path.write_text(before)
