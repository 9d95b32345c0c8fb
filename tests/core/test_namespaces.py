"""The namespace is the registry: every part is exported, sourced and documented."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys

import pytest

from metaplast.meta import AbstractMetaOptimizer
from metaplast.neurons import AbstractNeuron
from metaplast.rules import AbstractRule
from metaplast.source import Source
from metaplast.tasks import AbstractTask

CONTRACTS = {
    "rules": AbstractRule,
    "neurons": AbstractNeuron,
    "meta": AbstractMetaOptimizer,
    "tasks": AbstractTask,
}
HELPERS = {
    "meta": {"brood", "fitness", "selection_network", "selection_weights", "whole_lives"},
    "neurons": {"decision", "surrogate"},
    "tasks": {
        "boxes", "check", "checksum", "class_folders", "events", "folder", "hdf5", "idx",
        "pictures", "pools", "recordings", "scenes", "stored", "whole_file", "windows",
    },
}  # fmt: skip
"""Modules that hold no part of their own."""


def faults(package, contract, helpers=frozenset()) -> list[str]:
    """What a namespace lacks, one line each."""
    found = []
    sourced = "source" in contract.__annotations__
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if not inspect.getdoc(module):
            found.append(f"{info.name}: no docstring")
        own = [
            (name, item)
            for name, item in vars(module).items()
            if getattr(item, "__module__", "") == module.__name__ and not name.startswith("_")
        ]
        exported = [name for name, item in own if getattr(package, name, None) is item]
        if not exported and info.name not in helpers:
            found.append(f"{info.name}: exports nothing")
        for name, item in own:
            if inspect.isclass(item) and issubclass(item, contract) and item is not contract:
                if name not in package.__all__:
                    found.append(f"{name}: not in __all__")
                abstract = name.startswith("Abstract")  # a contract; what fulfils it has a source
                if sourced and not abstract and not isinstance(vars(item).get("source"), Source):
                    found.append(f"{name}: no source")
                if not vars(item).get("__doc__"):
                    found.append(f"{name}: no docstring")
    return found


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_part_is_exported_sourced_and_documented(name):
    package = importlib.import_module(f"metaplast.{name}")
    assert faults(package, CONTRACTS[name], HELPERS.get(name, set())) == []


@pytest.mark.parametrize("name", CONTRACTS)
def test_all_is_sorted_and_true(name):
    package = importlib.import_module(f"metaplast.{name}")
    assert list(package.__all__) == sorted(package.__all__)
    assert all(hasattr(package, export) for export in package.__all__)


def test_a_part_without_export_or_source_is_caught(tmp_path, monkeypatch):
    """Negative control: a namespace with every fault in it."""
    folder = tmp_path / "careless_rules"
    folder.mkdir()
    (folder / "__init__.py").write_text("__all__ = []\n")
    (folder / "forgotten.py").write_text(
        "from metaplast.rules import AbstractRule\n"
        "class Forgotten(AbstractRule):\n"
        "    def __call__(self, synapse, memory):\n"
        "        return 0.0 * synapse.weight, memory\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("careless_rules")
    try:
        seen = faults(package, AbstractRule)
    finally:
        for module in ("careless_rules", "careless_rules.forgotten"):
            sys.modules.pop(module, None)
    for fault in ("exports nothing", "not in __all__", "no source", "no docstring"):
        assert any(fault in line for line in seen), (fault, seen)
