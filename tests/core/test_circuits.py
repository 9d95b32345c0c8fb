"""The namespace of circuits: functions with a source, of any size, that a spec can name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

from metaplast import circuits
from metaplast.circuits import Circuit, Population, Projection, layered, sparse
from metaplast.cli.catalog import entries
from metaplast.experiment import build_circuit, build_genome, check_fit, exported
from metaplast.source import Source
from metaplast.spec import SpecError

NAMES = sorted(exported("circuits"))
HELPERS = {"anatomy", "choices", "stacks", "wiring"}
"""Modules that hold no circuit of their own."""
SIZES = [(1, (2,), 2), (6, (5, 4), 3), (9, (8, 7), 4), (7, (3, 2, 4), 2), (64, (4,), 10)]

ONE = {"hierarchical", "reservoir"}
"""Circuits with one hidden size: how many components, how many recurrent cells."""


def faults(package) -> list[str]:
    """What a package of circuits lacks, one line each."""
    found = []
    for info in pkgutil.iter_modules(package.__path__):
        if info.name in HELPERS:
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        make = vars(module).get(info.name)
        if make is None or getattr(package, info.name, None) is not make:
            found.append(f"{info.name}: exports no function of its own name")
        elif "Kinds:" not in (inspect.getdoc(make) or ""):
            found.append(f"{info.name}: does not name its kinds")
        if not isinstance(vars(module).get("SOURCE"), Source):
            found.append(f"{info.name}: no source")
    return found


def test_every_circuit_is_exported_sourced_and_documented():
    assert faults(circuits) == []
    assert len(NAMES) == 16
    for entry in entries("circuits"):
        source = importlib.import_module(f"metaplast.circuits.{entry.name}").SOURCE
        assert entry.source.startswith(source.authors) or entry.source == "metaplast"


def test_a_circuit_without_export_or_source_is_caught(tmp_path, monkeypatch):
    """Negative control."""
    folder = tmp_path / "careless_circuits"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "forgotten.py").write_text("def forgotten():\n    'A circuit.'\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = faults(importlib.import_module("careless_circuits"))
    assert any("exports no function" in line for line in found)
    assert any("no source" in line for line in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_can_name_it_at_any_size(name):
    for inputs, hidden, outputs in SIZES:
        if name in ONE and len(hidden) > 1:
            with pytest.raises(SpecError, match="expected one number"):
                build_circuit({"type": name}, inputs, hidden, outputs)
            continue
        circuit = build_circuit({"type": name}, inputs, hidden, outputs)
        assert circuit.input.size == inputs and circuit.output.size == outputs
        for q in circuit.weighted:
            post, fan_in = circuit.synapses(q)
            assert post == circuit.size(q.post) and 1 <= fan_in <= circuit.size(q.pre)
    with pytest.raises(SpecError, match=r"anatomy\.dense: .*no such option"):
        build_circuit({"type": name, "dense": 1}, *SIZES[0])


def test_the_example_in_the_documents_can_be_built():
    page = Path(__file__).parents[2] / "docs" / "circuits.md"
    example = re.search(r"<!-- example -->\n```toml\n(.*?)```", page.read_text("utf-8"), re.S)
    assert example is not None
    tables = tomllib.loads(example[1])
    cells = {"input": {"type": "Sensory"}, "hidden": {"type": "Rate"}, "output": {"type": "Output"}}
    genome = build_genome({"neurons": cells, **tables["genome"]})
    circuit = build_circuit(tables["anatomy"], 6, (5, 4), 3)
    check_fit(genome, circuit)
    assert {q.kind for q in circuit.projections} == set(genome.rules)
    with pytest.raises(SpecError, match="feedback_readout"):
        check_fit(genome, layered(6, (5, 4), 3))


def unlisted(names, page: str, text: str | None = None) -> set[str]:
    """Which of some names no table of a page has in its first column."""
    text = text or (Path(__file__).parents[2] / "docs" / page).read_text("utf-8")
    listed = {name for row in re.findall(r"^\|([^|]*)\|", text, re.M)
              for name in re.findall(r"`(\w+)`", row)}  # fmt: skip
    return set(names) - listed


FUNCTIONS = {"named", "with_moments", "Dataset"}
"""Exports of the tasks for programs; an experiment needs none of them."""


def test_every_circuit_and_task_has_a_row_in_its_document():
    assert unlisted(NAMES, "circuits.md") == set()
    assert unlisted(set(exported("tasks")) - FUNCTIONS, "tasks.md") == set()
    # Negative control: named in a sentence, and in the second column, is no row.
    assert unlisted({"sparse", "local"}, "", "`sparse`\n| `local` | `sparse` |\n") == {"sparse"}


TWO = (Population("a", 2, "input"), Population("b", 3, "output"))


def between(**about):
    return Circuit(TWO, (Projection("q", "k", "a", "b", "basal", **about),))


REFUSED = {
    "density": (lambda: sparse(4, (3,), 2, density=0.0), "density = 0.0"),
    "sign": (lambda: between(sign=2), "sign = 2"),
    "delay": (lambda: between(delay=2), "delay = 2"),
    "others of two populations": (lambda: between(wiring="others"), "cells of one population"),
    "patch without a grid": (lambda: between(wiring="local"), "'a': grid = None"),
    "grid of another size": (
        lambda: Circuit((Population("a", 2, "input", grid=(2, 2, 1)), TWO[1]), ()), "(2, 2, 1)",
    ),
    "rounds": (lambda: Circuit((TWO[0], Population("b", 3, "output", rounds=0)), ()), "rounds = 0"),
    "weights of nobody": (lambda: between(birth="copied", of="p"), "of = 'p'"),
    "transposed ones of other ends": (
        lambda: Circuit(TWO, (
            Projection("p", "k", "a", "b", "basal"),
            Projection("q", "k", "a", "b", "apical", "transpose", of="p"),
        )), "of = 'p'",
    ),
    "back along borrowed ones": (
        lambda: Circuit(TWO, (
            Projection("p", "k", "b", "a", "apical", "one_to_one"),
            Projection("q", "k", "a", "b", "apical", "backward", of="p"),
        )), "of = 'p'",
    ),
    "channels": (lambda: circuits.local(64, (2,), 2, channels=3), "channels = 3"),
    "patch": (lambda: circuits.local(4, (2,), 2, patch=0), "patch = 0"),
    "share": (lambda: circuits.excitatory_inhibitory(4, (2,), 2, share=0.0), "share = 0.0"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_line(what):
    make, told = REFUSED[what]
    with pytest.raises(Exception) as caught:
        make()
    if what not in ("sign", "delay"):  # refused by their type already, where types are checked
        assert isinstance(caught.value, ValueError) and "\n" not in str(caught.value)
        assert told in str(caught.value)


def test_good_ones_are_not_refused():
    """Negative control."""
    between(), between(sign=-1, delay=1, wiring="sparse", density=0.5)


CHOOSING = {"layered", "layerwise", "recurrent", "sparse", "decorrelating", "hierarchical",
            "dendritic", "local", "convolutional"}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CHOOSING))
def test_a_word_that_names_no_wiring_is_refused(name):
    make, option = exported("circuits")[name], "birth" if name == "dendritic" else "feedback"
    hidden = (2,) if name == "hierarchical" else (4, 4)
    with pytest.raises(ValueError, match=f"{option} = 'Direct': expected one of '"):
        make(16, hidden, 2, **{option: "Direct"})
    default = inspect.signature(make).parameters[option].default
    assert make(16, hidden, 2, **{option: default}) == make(16, hidden, 2)


def test_nobody_else_has_words_to_choose_from():
    for name in set(NAMES) - CHOOSING:
        assert "Literal" not in str(inspect.signature(exported("circuits")[name])), name
