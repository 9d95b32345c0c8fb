"""The namespace is the registry: every part is exported, sourced and documented."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys

import pytest

from metaplast import learners, neurons, rules
from metaplast.learners.registry import ROWS
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
    "meta": {
        "brood", "fitness", "selection_network", "selection_weights", "stretches", "whole_lives"
    },
    "neurons": {"decision", "surrogate"},
    "rules": {"modulator"},
    "tasks": {
        "boxes", "check", "checksum", "class_folders", "coco_file", "events", "folder", "hdf5",
        "idx", "pictures", "pools", "recordings", "scenes", "shared", "stored", "teaching",
        "whole_file", "windows", "with_moments",
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


OURS = {
    "Decay", "Decorrelation", "Delta", "Factored", "OneShot", "Polynomial", "Reciprocal",
    "SynapticMLP", "Taylor", "Total",
}  # fmt: skip
"""Rules that are parts or families of this library; the source is where their idea is from."""
WRITTEN_OUT = {
    "simplified_target_propagation": "difference_target_propagation",
    "spiking_eprop": "spiking",
}
"""Rows whose learner has another name than theirs."""
NO_RULE = {
    "backprop_sgd", "backprop_momentum", "backprop_adam", "backprop_shortcut", "frozen",
    "nearest_class_mean", "nearest_neighbor",
}  # fmt: skip
"""Rows that are nobody's learning rule."""


def parts(package, contract) -> dict[str, type]:
    """What a namespace exports and can be built."""
    every = ((name, getattr(package, name)) for name in package.__all__)
    return {
        name: item for name, item in every
        if inspect.isclass(item) and issubclass(item, contract) and not name.startswith("Abstract")
    }  # fmt: skip


def taught(row: str):
    """The class or function behind a row of the registry."""
    row = WRITTEN_OUT.get(row, row)
    names = {row, row.title().replace("_", "")}
    for info in pkgutil.iter_modules(learners.__path__):
        module = importlib.import_module(f"metaplast.learners.{info.name}")
        for name, item in vars(module).items():
            if name in names and getattr(item, "__module__", "") == module.__name__:
                return item
    raise AssertionError(f"{row}: no learner of that name")


def says_deviations(part) -> bool:
    """Whether a docstring says where the part deviates from its source, or that it does not."""
    return bool(re.search("Deviations:|[Ww]here we deviate", part.__doc__ or ""))


def says_units(part) -> bool:
    """Whether a docstring says in what units something is, or that it has none."""
    return bool(re.search(r"\b(ms|mV|Hz|[Uu]nits?|moments?)\b", part.__doc__ or ""))


def arguments_untold(part) -> list[str]:
    """Options of a part whose docstring does not name them under Args."""
    told = re.split(r"\n\s*Args:\n", part.__doc__ or "")
    names = list(inspect.signature(part).parameters)
    return [name for name in names if len(told) < 2 or not re.search(rf"\b{name}\b", told[1])]


def test_every_rule_of_a_paper_says_where_it_deviates():
    written = {name: rule for name, rule in parts(rules, AbstractRule).items() if name not in OURS}
    written |= {row: taught(row) for row in ROWS if row not in NO_RULE}
    assert len(written) > 30
    assert [name for name, rule in written.items() if not says_deviations(rule)] == []


def test_every_neuron_says_its_units_and_its_options():
    cells = parts(neurons, AbstractNeuron)
    assert len(cells) > 25
    assert [name for name, cell in cells.items() if not says_units(cell)] == []
    untold = {name: arguments_untold(cell) for name, cell in cells.items()}
    assert {name: lacks for name, lacks in untold.items() if lacks} == {}


def test_a_docstring_that_says_neither_is_caught():
    """Negative control."""

    class Silent:
        """A cell that grows.

        Args:
            tau: a time.
        """

        def __init__(self, tau, gain):
            pass

    assert not says_deviations(Silent) and not says_units(Silent)
    assert arguments_untold(Silent) == ["gain"]
