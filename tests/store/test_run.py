"""A run folder belongs to one experiment, and its log may be damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from metaplast import run as runs
from metaplast import spec as specs
from metaplast.cli import main
from metaplast.rulefile import RULE, START, StoreError
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


@pytest.mark.parametrize("told", [{}, {"spec": {}}, {"spec": None}])
def test_an_edited_manifest_opens_no_way_either(finished, told):
    """What the run began with stands in a file that has a hash as well."""
    path, manifest = finished / "spec.toml", finished / "checkpoint" / "manifest.json"
    before, sound, start = path.read_text(), manifest.read_text(), (finished / START).read_bytes()
    content = json.loads(sound)
    try:
        path.write_text(specs.dump(specs.with_overrides(specs.load(path), ["meta.rate=1.0"])))
        position = {**content["position"], **told} if told else {}
        manifest.write_text(json.dumps({**content, "position": position}))
        with pytest.raises(StoreError, match=r"manifest.json: position is not that of step-"):
            runs.run(finished)
        assert (finished / START).read_bytes() == start
    finally:
        path.write_text(before)
        manifest.write_text(sound)
    assert runs.run(finished).finished, "the control"


MISPLACED = [START, RULE, "log.jsonl", "checkpoint/lock", "bench.json", "report.html", "checkpoint"]


@pytest.mark.parametrize("name", MISPLACED)
def test_what_is_in_the_place_of_a_file_is_named_before_any_work(tmp_path, name, capsys):
    folder, asked = tmp_path / "my run", []
    runs.create(folder, specs.load(TINY))
    path = folder / name
    if name == "checkpoint":
        path.write_text("")
    else:
        path.mkdir(parents=True)
    assert main(["resume", str(folder)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"{path}: is a " in said
    assert f"remove it, and continue with: metaplast resume '{folder}'" in said
    with pytest.raises(StoreError, match="remove it"):
        runs.run(folder, should_stop=lambda: asked.append(0) or True)
    assert not asked
    path.unlink() if path.is_file() else path.rmdir()
    runs.run(folder, should_stop=lambda: asked.append(0) or True)
    assert asked, "the control: as it was told"


@pytest.mark.parametrize("wrapped", [False, True])
def test_edited_data_is_no_way_to_go_on(tmp_path, wrapped):
    """Lives would be others from there on, and nothing in the folder would say so."""
    file, folder = tmp_path / "mine.npz", tmp_path / "run"

    def written(seed: int) -> None:
        rng = np.random.default_rng(seed)
        x, y = rng.random((40, 3), np.float32), np.arange(40) % 2
        np.savez(file, x_train=x, y_train=y, x_test=x[:8], y_test=y[:8])

    written(0)
    task = f'{{type="arrays", path="{file}", split="search", moments=10}}'
    task = f'{{type="OnOff", task={task}}}' if wrapped else task
    runs.create(folder, specs.with_overrides(specs.load(TINY), [f"task={task}"]))
    asked = iter((False, True))
    assert 0 < runs.run(folder, should_stop=lambda: next(asked, True)).step < 3
    written(1)
    with pytest.raises(SpecError, match=r"task: mine .* has sha256 \w{12}, but this run began"):
        runs.run(folder)
    written(0)
    assert runs.run(folder).finished, "negative control: with the file of then it goes on"


def test_what_comes_after_the_search_may_be_asked_for_anew(finished):
    path = finished / "spec.toml"
    edited = specs.with_overrides(specs.load(path), ["bench.lives=3"])
    path.write_text(specs.dump(edited))
    assert runs.run(finished).finished and runs.opened(finished)["bench"]["lives"] == 3


def test_a_checkpoint_is_shown_as_no_rule(finished, capsys):
    (file,) = (finished / "checkpoint").glob("*.safetensors")
    assert main(["show", str(file)]) == 2
    said = capsys.readouterr().err.strip()
    assert "holds no rule" in said and "rule.safetensors" in said and "\n" not in said
    assert main(["show", str(finished / RULE)]) == 0, "the control"


@pytest.mark.parametrize("damage", [b"5\n", b"\xff\xfe\n", b'{"step": \n', b"[]\n", b'{"a": 1}\n'])
def test_a_damaged_line_of_the_log_costs_that_line(finished, damage):
    log = finished / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]
    for place in range(4):
        log.write_bytes(b"".join([*lines[:place], damage, *lines[place:]]))
        assert runs.run(finished).finished
        assert log.read_bytes() == b"".join(lines)
