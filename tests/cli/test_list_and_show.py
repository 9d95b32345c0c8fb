"""The listing that is read from the text agrees with what Python would import."""

from __future__ import annotations

import dataclasses
import importlib
import json

import pytest

from metaplast.cli.catalog import KINDS, NAMESPACES, entries
from metaplast.experiment import exported


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
