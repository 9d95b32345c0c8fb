"""The listing that is read from the text agrees with what Python would import."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import math
import re
from pathlib import Path

import pytest

from metaplast import spec
from metaplast.cli.catalog import KINDS, NAMESPACES, entries
from metaplast.experiment import exported

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize("kind", [*NAMESPACES, "circuits"])
def test_catalog_lists_exactly_what_a_spec_can_name(kind):
    listed = {entry.name for entry in entries(kind)}
    assert listed == set(exported(kind)) and listed


def test_catalog_lists_every_learner():
    from metaplast.learners import registry

    assert {entry.name for entry in entries("learners")} == set(registry.NAMES)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "zoo"])
def test_every_entry_has_a_line(kind):
    assert entries(kind)
    for entry in entries(kind):
        assert entry.line, entry.name


def test_options_include_those_of_abstract_classes():
    from metaplast.meta import PES

    (pes,) = [entry for entry in entries("meta") if entry.name == "PES"]
    assert {name for name, *_ in pes.options} == {f.name for f in dataclasses.fields(PES)}
    assert ("stretch", "int | None", "None") in pes.options


@pytest.mark.parametrize("kind", [*NAMESPACES, "circuits"])
def test_what_is_listed_of_an_entry_is_what_it_takes(kind):
    makers = exported(kind)
    for entry in entries(kind):
        takes = inspect.signature(makers[entry.name]).parameters
        assert sorted(name for name, *_ in entry.options) == sorted(takes), entry.name
    assert any(entry.options for entry in entries(kind))


@pytest.mark.parametrize("kind", ["neurons", "rules", "meta"])
def test_sources_agree_with_the_classes(kind):
    module = importlib.import_module(f"metaplast.{kind}")
    for entry in entries(kind):
        source = getattr(module, entry.name).source
        assert entry.source.startswith(source.authors) or entry.source == "metaplast"
        assert str(source.year) in entry.source or entry.source == "metaplast"


def test_list_as_json(metaplast):
    answer = metaplast("list", "rules", "--json")
    names = [entry["name"] for entry in json.loads(answer.stdout)["entries"]]
    assert {"Oja", "Delta", "Factored"} <= set(names) and answer.stderr == ""
    assert "Oja" in metaplast("list").stdout


def test_show_gives_options_with_defaults(metaplast):
    answer = metaplast("show", "Oja")
    assert "rate" in answer.stdout and "0.01" in answer.stdout and "BF00275687" in answer.stdout
    shown = json.loads(metaplast("show", "Oja", "--json").stdout)["entries"][0]
    assert shown["options"] == [{"name": "rate", "type": "Positive", "default": "0.01"}]


def test_show_a_name_of_two_kinds(metaplast):
    answer = metaplast("show", "digits")
    assert "(tasks)" in answer.stdout and "(experiments)" in answer.stdout


def test_show_gives_the_numbers_of_a_found_rule(metaplast):
    """Rates as such: the file holds their logarithms."""
    from metaplast import rulefile

    tensors = rulefile.read(rulefile.locate("zoo/spiking")).tensors
    (held,) = [v for name, v in tensors.items() if "output" in name and "tau" in name]
    assert held.shape == () and abs(float(held)) > 0.1
    told = json.loads(metaplast("show", "zoo/spiking", "--json").stdout)["parts"]
    assert told["neurons.output.tau"] == f"{math.exp(held):.4g}" != f"{held:.4g}"
    assert len(told) == len(tensors) > 20
    lines = metaplast("show", "zoo/spiking").stdout.splitlines()
    assert any(line.split() == ["neurons.output.tau", f"{math.exp(held):.4g}"] for line in lines)
    assert "parts" not in metaplast("show", "Oja").stdout  # the control


@pytest.mark.parametrize("name", ["online", "digits", "layered"])
def test_what_is_shown_of_an_experiment_is_an_experiment(name, tmp_path, capsys):
    """`digits` is a task as well, and `layered` a circuit: they are comments there."""
    from metaplast.cli import main

    assert main(["show", name]) == 0
    shown = tmp_path / "shown.toml"
    shown.write_text(capsys.readouterr().out)
    assert spec.load(shown).tables == spec.load(name).tables
    assert f"file: {spec.resources.files('metaplast')}" in shown.read_text()
    assert main(["show", "Oja"]) == 0  # the control: what is no experiment is no TOML
    shown.write_text(capsys.readouterr().out)
    with pytest.raises(spec.SpecError, match="not valid TOML"):
        spec.load(shown)


def test_a_file_of_an_experiment_is_shown_complete(tmp_path, capsys):
    from metaplast.cli import main

    mine = tmp_path / "my.toml"
    text = spec.dump(spec.load("layered"))
    mine.write_text(text[: text.index("[bench]")])
    assert "[bench]" not in mine.read_text()
    assert main(["show", str(mine)]) == 0
    shown = tmp_path / "shown.toml"
    shown.write_text(capsys.readouterr().out)
    assert "[bench]" in shown.read_text() and spec.load(shown).tables == spec.load(mine).tables
    assert main(["show", str(mine), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bench"]["data"] == ["digits"]
    mine.write_text("hello")  # the control: a file of something else is no experiment
    assert main(["show", str(mine)]) == 2
    assert "not valid TOML" in capsys.readouterr().err


def test_the_experiment_of_the_readme_runs(tmp_path):
    from metaplast import run as runs

    blocks = re.findall(r"^```toml\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    (text,) = [block for block in blocks if "CMA_ES" in block]
    mine = tmp_path / "my.toml"
    mine.write_text(text)
    assert spec.load(mine).hidden and spec.load(mine).name == "mine"
    small = ["hidden=[3]", "task.moments=6", "meta.population=4", "meta.lives=1", "meta.steps=2"]
    small.append("genome.neurons.hidden.width=2")
    runs.create(tmp_path / "run", spec.with_overrides(spec.load(mine), small))
    assert runs.run(tmp_path / "run").finished


def test_doctor(metaplast, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.npz").write_bytes(b"")
    answer = metaplast("doctor", "--json", METAPLAST_DATA=str(tmp_path / "data"))
    facts = json.loads(answer.stdout)
    assert facts["cores"] >= 1 and facts["devices"] and facts["versions"]["jax"]
    assert all(said.startswith("loads") for said in facts["bundled_data"].values())
    assert facts["data_folder"]["files"] == ["mine.npz"]
    assert {"missing", "install"} <= set(facts["extras"][0])


def test_doctor_in_words(capsys, monkeypatch):
    from metaplast.cli import main

    monkeypatch.setenv("METAPLAST_DATA", "/no/such/folder")
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "/no/such/folder is no folder" in said and "digits: loads" in said


def test_a_failure_without_a_word_breaks_no_diagnosis(monkeypatch):
    from metaplast import doctor

    def silent(*_, **__):
        raise RuntimeError

    def loud(*_, **__):
        raise RuntimeError("no driver\nand more")

    for fail, told in ((silent, "RuntimeError"), (loud, "RuntimeError: no driver")):
        monkeypatch.setattr("metaplast.tasks.named", fail)
        monkeypatch.setattr("jax.devices", fail)
        assert doctor._bundled("digits") == f"does not load: {told}"
        assert doctor._devices() == [f"JAX finds none: {told}"]
