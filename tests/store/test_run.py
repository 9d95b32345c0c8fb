"""A run folder belongs to one experiment, and its log may be damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metaplast import run as runs
from metaplast import spec as specs
from metaplast.rulefile import START
from metaplast.spec import SpecError

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a search that is done."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    runs.create(folder, specs.load(TINY))
    assert runs.run(folder).finished
    return folder


@pytest.mark.parametrize(
    ("table", "edit"),
    [
        ("genome", "genome.rules.readout.coefficients=[0.5]"), ("hidden", "hidden=[4]"),
        ("meta", "meta.rate=1.0"), ("seed", "seed=1"), ("task", "task.moments=12"),
        ("objective", "objective.sharpness=2.0"),
    ],
)  # fmt: skip
def test_an_edited_spec_is_no_way_to_go_on(finished, table, edit):
    path, start = finished / "spec.toml", (finished / START).read_bytes()
    before = path.read_text()
    try:
        path.write_text(specs.dump(specs.with_overrides(specs.load(path), [edit])))
        with pytest.raises(SpecError, match=rf"spec.toml: {table} is not what this run began with"):
            runs.run(finished)
        assert (finished / START).read_bytes() == start
    finally:
        path.write_text(before)
    assert runs.run(finished).finished  # the control: it was only that


def test_what_comes_after_the_search_may_be_asked_for_anew(finished):
    path = finished / "spec.toml"
    edited = specs.with_overrides(specs.load(path), ["bench.lives=3"])
    path.write_text(specs.dump(edited))
    assert runs.run(finished).finished and runs.opened(finished)["bench"]["lives"] == 3


@pytest.mark.parametrize("damage", [b"5\n", b"\xff\xfe\n", b'{"step": \n', b"[]\n", b'{"a": 1}\n'])
def test_a_damaged_line_of_the_log_costs_that_line(finished, damage):
    log = finished / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]
    for place in range(4):
        log.write_bytes(b"".join([*lines[:place], damage, *lines[place:]]))
        assert runs.run(finished).finished
        assert log.read_bytes() == b"".join(lines)
