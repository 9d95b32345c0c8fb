"""`metaplast estimators`: what it measures is told, and kept where it belongs."""

from __future__ import annotations

import json

import pytest

from metaplast import run as runs
from metaplast import spec as specs
from metaplast.cli import main
from metaplast.report.estimators import ESTIMATORS, growth, page

SMALL = ("hidden=[3]", "task.moments=4", "objective.metered=false",
         'meta={type="Evolution", strategy="SNES", population=2, lives=1, steps=1}')  # fmt: skip
FEW = ("--lives", "2", "--cycles", "2", "--stretch", "2")
EXPLODING = [f"genome.rules.{kind}.coefficients=[1e30]" for kind in ("forward", "readout")]


def measured(words, capsys) -> tuple[dict, str]:
    assert main(["estimators", *words, *FEW, "--json"]) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run that has begun."""
    folder = tmp_path_factory.mktemp("estimators") / "run"
    runs.create(folder, specs.with_overrides(specs.load("frugal"), SMALL))
    return folder


def test_a_run_keeps_what_was_measured_of_it_and_of_nothing_else(folder, capsys):
    facts, said = measured([str(folder)], capsys)
    kept = (folder / ESTIMATORS).read_bytes()
    assert json.loads(kept) == facts and facts["horizon"] == 4 and "not kept" not in said
    other, said = measured([str(folder), "--set", "task.moments=6"], capsys)
    assert other["horizon"] == 6 and "not kept in the run" in said
    assert (folder / ESTIMATORS).read_bytes() == kept


def test_lives_that_all_explode_have_no_exponent_and_no_traceback(folder, tmp_path, capsys):
    words = [word for override in EXPLODING for word in ("--set", override)]
    file = tmp_path / "page.html"
    assert main(["estimators", str(folder), *words, *FEW, "--page", str(file)]) == 0
    assert "exponent of learning: unknown" in capsys.readouterr().out
    assert "exponent of learning: unknown" in " ".join(file.read_text().split())
    sound = json.loads((folder / ESTIMATORS).read_text())  # the control
    assert growth(sound).endswith(" per moment") and growth(sound) in page(sound)


def test_lives_in_several_settings_say_how_to_measure_without_them(folder, capsys, monkeypatch):
    class Begun(Exception):
        pass

    def begun(*_):
        raise Begun

    monkeypatch.setattr("metaplast.estimators.compare.reach", begun)
    words = ["estimators", str(folder), "--set", "variants=[{hidden=[5]}]"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "variants: " in said and "--set 'variants=[]'" in said
    with pytest.raises(Begun):  # the control: as it was told
        main([*words, "--set", "variants=[]"])
