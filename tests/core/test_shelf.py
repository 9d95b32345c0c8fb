"""What an earlier process left is used only where nothing that made it has changed."""

from __future__ import annotations

import dataclasses
import importlib.util
from concurrent.futures import Future

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import shelf
from metaplast.circuits import layered
from metaplast.fingerprint import Opaque, fingerprint, source_hash
from metaplast.foreseen import foresee
from metaplast.objective import Objective
from metaplast.passed import passed, remember
from metaplast.program import traced
from metaplast.reference import backprop_accuracy
from metaplast.rules import Oja
from metaplast.shelf import Shelf
from metaplast.spec import Spec, load, with_overrides
from metaplast.tasks import Clusters

TASK = Clusters(moments=5)
LONG = np.arange(9999)
portable = pytest.mark.skipif(
    importlib.util.find_spec("flatbuffers") is None, reason="traced programs need flatbuffers"
)


@pytest.fixture
def mine(tmp_path) -> Shelf:
    return Shelf(tmp_path / "kept", source_hash())


class Foreign(eqx.Module):
    """A class whose source the fingerprint does not see."""

    rate: float = 0.1


PAIRS = {
    "number": (1.0, np.nextafter(1.0, 2.0)),
    "kind of number": (1, 1.0),
    "truth": (1, True),
    "text": ("a", "b"),
    "one bit": (np.float32([0.0]), np.float32([-0.0])),
    "type": (np.zeros(2, np.float32), np.zeros(2, np.int32)),
    "shape": (np.zeros((2, 1)), np.zeros((1, 2))),
    "weak type": (jnp.asarray(1.0), jnp.asarray(np.float32(1.0))),
    "far inside a long array": (LONG, np.where(LONG == 5000, 0, LONG)),
    "random key": (jax.random.key(0), jax.random.key(1)),
    "nesting": (((1,), 2), (1, (2,))),
    "kind of sequence": ([1], (1,)),
    "key of a table": ({"a": 1}, {"b": 1}),
    "searchable leaf": (Oja(rate=0.1), Oja(rate=0.2)),
    "static field": (Objective(TASK, layered(3, (4,), 2)), Objective(TASK, layered(3, (5,), 2))),
    "field of a task": (TASK, dataclasses.replace(TASK, moments=6)),
}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_whatever_differs_has_another_fingerprint(pair):
    one, other = pair
    assert fingerprint("source", one) != fingerprint("source", other)
    again = jax.tree.map(lambda leaf: leaf, one)
    assert fingerprint("source", one) == fingerprint("source", again)


def test_source_and_options_of_jax_count():
    here = fingerprint("source", 1)
    assert fingerprint("other source", 1) != here
    with jax.enable_x64():
        assert fingerprint("source", 1) != here
    assert fingerprint("source", 1) == here


def test_the_source_is_read_from_disk(tmp_path, monkeypatch):
    from metaplast import fingerprint as module

    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.py").write_text("a = 1\n")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "fingerprint.py"))
    before = source_hash()
    (tmp_path / "deep" / "one.py").write_text("a = 2\n")
    assert source_hash() != before
    (tmp_path / "deep" / "one.py").write_text("a = 1\n")
    assert source_hash() == before


@pytest.mark.parametrize("value", [Foreign(), lambda: 1, {"a": [Foreign()]}, Foreign])
def test_what_is_not_ours_is_refused_and_not_kept(mine, value):
    with pytest.raises(Opaque):
        fingerprint("source", value)
    assert mine.name("thing", value) is None
    mine.write(None, b"content")
    assert mine.read(None) is None and not mine.folder.exists()
    assert mine.name("thing", Oja()) is not None


def test_a_shelf_keeps_bytes_and_a_damaged_file_is_none(mine):
    name = mine.name("thing", 1)
    assert mine.read(name) is None
    mine.write(name, b"content")
    assert mine.read(name) == b"content"
    assert mine.read(mine.name("thing", 2)) is None
    assert mine.read(mine.name("another thing", 1)) is None
    path = mine.folder / name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert mine.read(name) is None
    path.write_bytes(b"")
    assert mine.read(name) is None


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path):
    (tmp_path / "file").write_text("no folder")
    full = Shelf(tmp_path / "file" / "kept", source_hash())
    full.write(full.name("thing", 1), b"content")
    assert full.read(full.name("thing", 1)) is None


def test_source_that_changed_since_it_was_loaded_keeps_nothing(mine):
    stale = dataclasses.replace(mine, source="what it was when this process began")
    assert stale.name("thing", 1) is None and mine.name("thing", 1) is not None


def test_no_shelf_is_opened_once_code_that_computes_is_loaded(tmp_path, monkeypatch):
    assert shelf.opened(tmp_path) is None
    monkeypatch.setattr(shelf.sys, "modules", {"metaplast.cli.campaign": None, "jax": None})
    found = shelf.opened(tmp_path)
    assert found is not None and found.source == source_hash()
    monkeypatch.setattr(shelf.sys, "modules", {"metaplast.network": None})
    assert shelf.opened(tmp_path) is None
    assert shelf.opened(None) is None


@portable
def test_a_program_is_traced_once_and_computes_the_same_bits(mine):
    calls = []

    def noisy(x, key):
        calls.append(x)
        return {"y": jnp.tanh(x) * jax.random.normal(key, x.shape), "n": x.sum()}

    arguments = jnp.arange(5.0), jax.random.key(3)
    like = {"y": 0, "n": 0}
    plain = traced(noisy, arguments, like).compiled()(*arguments)
    first = traced(noisy, arguments, like, mine, (1,)).compiled()(*arguments)
    assert len(calls) == 2
    second = traced(noisy, arguments, like, mine, (1,)).compiled()(*arguments)
    assert len(calls) == 2, "read, not traced"
    for got in (first, second):
        for name in like:
            assert np.asarray(got[name]).tobytes() == np.asarray(plain[name]).tobytes()
    assert float(jnp.abs(plain["y"]).sum()) > 0 and float(plain["n"]) == 10
    traced(noisy, arguments, like, mine, (2,))
    assert len(calls) == 3, "negative control: something else is closed over"
    traced(noisy, (jnp.arange(6.0), arguments[1]), like, mine, (1,))
    assert len(calls) == 4, "negative control: another shape"


@portable
def test_what_was_compiled_last_time_is_foreseen(mine):
    calls, spec = [], with_overrides(load("digits"), ["name=mine"])

    def noisy(x, key):
        calls.append(x)
        return {"y": jnp.tanh(x) * jax.random.normal(key, x.shape)}

    def living(spec, about):
        arguments = jnp.arange(5.0), jax.random.key(3)
        soon = foresee(spec, mine)
        program = traced(noisy, arguments, {"y": 0}, mine, about, soon.given)
        return np.asarray(program.compiled()(*arguments)["y"]), soon

    first, nothing = living(spec, (1,))
    assert nothing.compiling is None and len(calls) == 1 and np.abs(first).sum() > 0
    second, soon = living(spec, (1,))
    assert soon.compiling and len(calls) == 1 and second.tobytes() == first.tobytes()
    other = dataclasses.replace(soon, compiling=Future())
    other.compiling.set_result("what was foreseen")
    assert other.given(soon.name)() == "what was foreseen", "it is not compiled a second time"

    living(with_overrides(spec, ["seed=1"]), (1,))
    assert len(calls) == 1, "another experiment that needs the same program reads it"
    _, wrong = living(spec, (2,))
    assert wrong.compiling and len(calls) == 2, "negative control: a wrong guess is not taken"
    assert wrong.given(None) is None
    assert living(spec, (2,))[1].name not in (None, wrong.name), "the guess is mended"
    for path in mine.folder.glob("program-*"):
        path.unlink()
    assert foresee(spec, mine).compiling is None
    assert foresee(spec, None) is None


@portable
def test_a_program_without_a_portable_form_is_traced_every_time(mine):
    calls = []

    def calling(x):
        calls.append(x)
        return jax.pure_callback(lambda v: np.asarray(v) + 1, jax.typeof(x), x)

    for _ in range(2):
        soon = foresee(load("digits"), mine)
        assert (
            float(traced(calling, (jnp.asarray(1.0),), 0, mine, (), soon.given).compiled()(1.0))
            == 2
        )
    assert len(calls) >= 2 and not list(mine.folder.glob("program-*"))


def test_only_the_very_same_start_has_passed_before(mine, tmp_path):
    spec = with_overrides(load("digits"), ["name=mine"])
    assert not passed(spec, mine)
    remember(spec, mine)
    assert passed(spec, mine) and passed(Spec(spec.tables, "another file"), mine)
    for change in ("seed=1", "hidden=[64]", "constraints=['causality']", "anatomy.type=layered"):
        assert not passed(with_overrides(spec, [change]), mine), change
    assert not passed(spec, dataclasses.replace(mine, source="older"))
    assert not passed(spec, None)
    for path in mine.folder.iterdir():
        path.write_bytes(path.read_bytes() + b" ")
    assert not passed(spec, mine), "a damaged file is no evidence"


def test_the_reference_is_lived_once(mine):
    objective, key = Objective(TASK, layered(TASK.inputs, (4,), TASK.classes)), jax.random.key(0)
    first = backprop_accuracy(objective, (4,), key, 2, mine)
    assert 0 < first < 1 and first == backprop_accuracy(objective, (4,), key, 2)
    (kept,) = mine.folder.glob("reference-*")
    mine.write(kept.name, b"0.125")  # so that what is read cannot be mistaken for what is lived
    assert backprop_accuracy(objective, (4,), key, 2, mine) == 0.125
    for other in (
        (objective, (4,), jax.random.key(1), 2),
        (objective, (4,), key, 3),
        (objective, (5,), key, 2),
        (dataclasses.replace(objective, task=dataclasses.replace(TASK, moments=6)), (4,), key, 2),
    ):
        assert backprop_accuracy(*other, mine) != 0.125
    assert len(list(mine.folder.glob("reference-*"))) == 5
