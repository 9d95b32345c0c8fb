"""Own parts and own files in what is kept: absolute, compared, and never run by surprise."""

from __future__ import annotations

import json
import shutil
import tomllib
import warnings
from pathlib import Path

import jax
import numpy as np
import pytest

from metaplast import own_copy, rulefile, store
from metaplast import run as runs
from metaplast import spec as specs
from metaplast.experiment import build
from metaplast.rulefile import StoreError
from metaplast.settled import settled
from metaplast.spec import SpecError

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"
PARTS = """
from metaplast.rules import Factored
from beside_tiny import RATE

open({log!r}, "a").write("run\\n")


def gated(coefficients=(RATE, 1.0), decay=0.0):
    return Factored(coefficients=coefficients, decay=decay)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with an experiment, a file of own parts, its neighbor, and data; beside it another
    folder, which one is in."""
    here, log = tmp_path / "here", str(tmp_path / "log")
    here.mkdir()
    (here / "parts.py").write_text(PARTS.format(log=log))
    (here / "beside_tiny.py").write_text("RATE = 0.01\n")
    rng = np.random.default_rng(0)
    np.savez(
        here / "own.npz",
        x_train=rng.random((40, 9), "float32"), y_train=np.arange(40) % 2,
        x_test=rng.random((20, 9), "float32"), y_test=np.arange(20) % 2,
    )  # fmt: skip
    tables = tomllib.loads(TINY.read_text())
    tables["genome"]["rules"]["forward"] = {"type": "parts.py:gated"}
    tables["task"] = {"type": "arrays", "path": "own.npz", "split": "search", "moments": 10}
    tables["bench"]["data"] = ["own.npz", "digits", '{type = "arrays", path = "own.npz"}']
    from metaplast import toml_text

    (here / "mine.toml").write_text(toml_text.dumps(tables))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield here
    import sys

    sys.modules.pop("beside_tiny", None)


def times_run(mine) -> int:
    log = mine.parent / "log"
    return len(log.read_text().splitlines()) if log.exists() else 0


# -- files by their whole path -------------------------------------------------------


def test_files_are_looked_for_beside_the_experiment_then_here(mine):
    spec = specs.load("../here/mine.toml")
    assert spec["genome"]["rules"]["forward"]["type"] == f"{mine}/parts.py:gated"
    assert spec["task"]["path"] == f"{mine}/own.npz"
    data = spec["bench"]["data"]
    assert data[:2] == [f"{mine}/own.npz", "digits"]
    assert tomllib.loads(f"x = {data[2]}")["x"] == {"type": "arrays", "path": f"{mine}/own.npz"}
    shutil.copy(mine / "own.npz", "own.npz")
    assert specs.load("../here/mine.toml")["task"]["path"] == f"{mine}/own.npz"
    here = specs.with_overrides(spec, ["task.path=own.npz"])
    assert here["task"]["path"] == f"{Path.cwd()}/own.npz", "an option is typed where one is"
    (mine / "own.npz").unlink()
    assert specs.load("../here/mine.toml")["task"]["path"] == f"{Path.cwd()}/own.npz"
    Path("own.npz").unlink()
    assert specs.load("../here/mine.toml")["task"]["path"] == "own.npz", "whoever needs it says so"


LEFT = ["tanh", "digits", "zoo/online", "random", "no.npz", "a/b", "Oja", "1.5", "{broken", 3, None]


def test_only_what_is_a_file_changes(mine, monkeypatch):
    for name in ("tanh", "digits", "random"):
        (mine / name).mkdir()
    (mine / "zoo").mkdir()
    (mine / "zoo" / "online").write_text("")
    assert settled(LEFT, [mine]) == LEFT
    assert settled({"path": "digits"}, [mine]) == {"path": f"{mine}/digits"}, "a folder of data"
    assert settled({"name": "mine.toml"}, [mine]) == {"name": "mine.toml"}
    monkeypatch.setenv("METAPLAST_DATA", str(mine))
    assert settled({"path": "digits"}, [mine]) == {"path": "digits"}, "it is looked up there first"
    monkeypatch.setenv("HOME", str(mine.parent))
    monkeypatch.setenv("USERPROFILE", str(mine.parent))  # what Windows asks
    monkeypatch.setenv("METAPLAST_DATA", f"~/{mine.name}")
    assert settled({"path": "digits"}, [mine]) == {"path": "digits"}
    monkeypatch.setenv("METAPLAST_DATA", f"~/{mine.name}x")  # control: a home without it
    assert settled({"path": "digits"}, [mine]) == {"path": f"{mine}/digits"}


def test_built_in_experiments_do_not_depend_on_the_folder(mine, monkeypatch):
    monkeypatch.chdir(mine)
    for name in specs.builtin():
        assert specs.load(name).tables == settled(specs.load(name).tables, [mine])


# -- runs ----------------------------------------------------------------------------


def _hash(folder) -> str:
    return rulefile.read(folder / rulefile.RULE).manifest["hash"]


def test_a_run_is_resumed_from_another_folder_to_the_same_bits(mine, tmp_path, monkeypatch):
    monkeypatch.chdir(mine)
    spec = specs.with_overrides(specs.load("mine.toml"), ["meta.steps=4"])
    runs.create(Path("straight"), spec)
    assert runs.run(Path("straight")).finished
    runs.create(Path("broken"), spec)
    stopped = runs.run(Path("broken"), should_stop=_after(1))
    assert stopped.step == 1
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert runs.run(Path("../here/broken")).finished
    assert _hash(mine / "broken") == _hash(mine / "straight") != _hash(_other(mine, spec))
    kept = mine / "broken" / own_copy.COPIES
    copies = {path.name for path in kept.rglob("*") if path.is_file()}
    assert copies == {"parts.py.txt", "beside_tiny.py.txt"}


def _after(dispatches: int):
    """Asks to stop after so many dispatches."""
    asked = []

    def should_stop() -> bool:
        asked.append(None)
        return len(asked) > dispatches

    return should_stop


def _other(mine, spec) -> Path:
    runs.create(mine / "other", specs.with_overrides(spec, ["seed=1"]))
    runs.run(mine / "other")
    return mine / "other"


def test_a_spec_of_plain_tables_is_settled_when_its_run_is_made(mine, monkeypatch):
    monkeypatch.chdir(mine)
    tables = tomllib.loads((mine / "mine.toml").read_text())
    runs.create(Path("run"), specs.Spec(tables))
    assert f'"{mine}/parts.py:gated"' in Path("run/spec.toml").read_text()
    assert f'path = "{mine}/own.npz"' in Path("run/spec.toml").read_text()


CHANGES = {
    "the file": ("parts.py", "# another\n", "was edited"),
    "its neighbor": ("beside_tiny.py", "RATE = 0.02\n", "was edited"),
    "one more neighbor": ("parts.py", "import one_more\n", "was edited"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_run_does_not_go_on_with_edited_code(mine, case):
    name, text, told = CHANGES[case]
    (mine / "one_more.py").write_text("")
    run = mine / "run"
    runs.create(run, specs.load(mine / "mine.toml"))
    assert runs.opened(run).name == "tiny", "negative control: nothing was edited"
    before = (mine / name).read_text()
    (mine / name).write_text(before + text)
    for refused_by in (runs.opened, runs.run):
        with pytest.raises(SpecError) as refused:
            refused_by(run)
        assert told in str(refused.value) and "\n" not in str(refused.value)
    copy = run / own_copy.COPIES / f"{(mine / name).relative_to('/')}.txt"
    assert str(copy) in str(refused.value) and copy.read_text() == before
    shutil.copy(copy, mine / name)
    (mine / "other.py").write_text("")
    assert runs.opened(run).name == "tiny", "as the message says"
    (mine / name).unlink()
    with pytest.raises(SpecError, match="is gone"):
        runs.opened(run)


def test_a_package_that_has_grown_is_not_what_a_run_began_with(mine, tmp_path, monkeypatch):
    package = tmp_path / "own_package_of_runs"
    package.mkdir()
    (package / "__init__.py").write_text("from metaplast.rules import Delta as Mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    over = 'genome.rules.readout={type="own_package_of_runs:Mine"}'
    runs.create(mine / "run", specs.with_overrides(specs.load(mine / "mine.toml"), [over]))
    assert runs.opened(mine / "run").name == "tiny"
    (package / "more.py").write_text("")
    with pytest.raises(SpecError, match=r"more.py was no part of it when it began"):
        runs.opened(mine / "run")


# -- rules ---------------------------------------------------------------------------


@pytest.fixture
def rule(mine):
    spec = specs.load(mine / "mine.toml")
    path = mine / "rule.safetensors"
    store.save_rule(path, build(spec).genome, spec, 7)
    return path


def test_a_rule_runs_the_code_that_it_names_if_it_is_there(mine, rule):
    found = store.load(rule)
    assert times_run(mine) == 1 and jax.tree.leaves(found.genome)
    assert rulefile.read(rule).manifest["code"].keys() == {f"{mine}/parts.py"}
    (mine / "parts.py").rename(mine / "moved.py")
    with pytest.raises(StoreError) as refused:
        store.load(rule)
    said = str(refused.value)
    assert "no file" in said and "parts.py" in said and "\n" not in said
    assert rulefile.read(rule).manifest["name"] == "tiny", "reading one runs nothing"
    assert times_run(mine) == 1


def test_an_edited_file_is_told_when_its_rule_is_loaded(mine, rule):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.load(rule)
    with open(mine / "parts.py", "a") as file:
        file.write("# edited\n")
    with pytest.warns(UserWarning, match="was edited since this rule was found"):
        store.load(rule)


def _named(rule, kind: str) -> Path:
    """The rule with another type in its place."""
    contents = rulefile.read(rule)
    manifest = json.loads(json.dumps(contents.manifest))
    manifest["spec"]["genome"]["rules"]["forward"] = {"type": kind}
    del manifest["hash"]
    rulefile.write(rule.with_name("strange.safetensors"), contents.tensors, manifest)
    return rule.with_name("strange.safetensors")


HOSTILE = {
    "a relative file": ("parts.py:gated", "whole path"),
    "Python's own library": ("antigravity:fly", "a part of Python"),
    "something that is no part": ("metaplast.rulefile:StoreError", "a subclass of AbstractRule"),
    "a device": ("/dev/null.py:x", "no file"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_strange_rule_runs_nothing_that_lies_about(mine, rule, monkeypatch, case):
    import sys

    monkeypatch.chdir(mine)
    kind, told = HOSTILE[case]
    before, strange = times_run(mine), _named(rule, kind)
    with pytest.raises(StoreError) as refused:
        store.load(strange)
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert times_run(mine) == before and "antigravity" not in sys.modules
    assert store.load(_named(rule, f"{mine}/parts.py:gated")), "negative control"
