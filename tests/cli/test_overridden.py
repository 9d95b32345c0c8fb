"""A type is switched by one word on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaplast import meta
from metaplast import spec as specs
from metaplast.cli.overridden import overridden
from metaplast.experiment import build

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"
TYPES = [name for name in meta.__all__ if not name.startswith("Abstract")]


@pytest.mark.parametrize("name", ["Evolution", "Genetic", "ES", "PES", "Truncated", "Backprop"])
def test_the_outer_loop_is_one_word(name, capsys):
    assert name in TYPES
    made = build(overridden("digits", [f"meta.type={name}", "meta.lives=2"])).meta
    assert type(made).__name__ == name
    said = capsys.readouterr().err
    if name in ("Evolution", "Genetic"):  # no gradient: nothing for these to do
        assert said.count("\n") == 1 and "optimizer" in said and "clip" in said and name in said
    if name == "Backprop":  # the control: nothing was switched, and nothing is left out
        assert said == "" and made.clip == 1.0


@pytest.mark.parametrize("name", TYPES)
def test_what_the_new_type_does_not_have_is_left_out(name):
    spec = overridden("digits", [f"meta.type={name}"])
    needed = {"Restarts": ['meta.of={type="ES"}']}.get(name, [])
    with pytest.raises(specs.SpecError, match="no such option") as refused:
        build(overridden("digits", [f"meta.type={name}", *needed, "meta.nonsense=1"]))
    assert "nonsense" in str(refused.value)  # and nothing that the file said
    assert spec["meta"]["type"] == name and ("steps" in spec["meta"]) == (name != "Restarts")


def test_what_an_override_gives_is_never_left_out(capsys):
    switched = ["meta.type=Evolution", "meta.clip=2.0"]
    assert overridden(TINY, switched)["meta"]["clip"] == 2.0
    with pytest.raises(specs.SpecError, match=r"meta\.clip: Evolution has no such option"):
        build(overridden(TINY, switched))
    assert "clip" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("override", "table", "left_out"),
    [
        ("task.type=mnist1d", "task", ["tasks", "weights"]),
        ("anatomy.type=layered", "anatomy", []),
        ("genome.rules.forward.type=Oja", "genome.rules.forward", ["coefficients", "decay"]),
        ("genome.neurons.hidden.base.type=Rate", "genome.neurons.hidden.base", ["sharpness"]),
    ],
)
def test_other_tables_too(override, table, left_out, capsys):
    def at(spec):
        found = spec.tables
        for step in table.split("."):
            found = found[step]
        return found

    spec = overridden("digits", [override])
    assert at(spec)["type"] == override.partition("=")[2]
    assert set(at(specs.load("digits"))) - set(at(spec)) == set(left_out)
    said = capsys.readouterr().err
    assert all(name in said for name in left_out) and bool(said) == bool(left_out)


def test_an_unknown_type_is_left_to_be_refused():
    spec = overridden("digits", ["meta.type=Evolutoin"])
    assert spec["meta"]["clip"] == 1.0
    with pytest.raises(specs.SpecError, match="Evolution"):
        build(spec)
