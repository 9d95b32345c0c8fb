"""A found rule on disk: the same bits back, and nothing but numbers ever read."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import save

from metaplast import rulefile, store
from metaplast import spec as specs
from metaplast.experiment import build
from metaplast.rulefile import StoreError

TINY = Path(__file__).resolve().parents[1] / "tiny.toml"

VARIED = {
    "as it is": [],
    "learned neuron, traced": [
        'genome.neurons.hidden={type="Learned", width=2, base={type="Exemplar"}}',
        "genome.rules.forward.traced=true",
    ],
    "rules inside a rule": [
        'genome.rules.forward={type="Total", rules=[{type="Delta", rate=0.02}, {type="Decay"}]}',
        'genome.rules.readout={type="SynapticMLP", width=3}',
    ],
}


def moved(genome):
    """A genome that a search has moved, so that no leaf stands where its spec puts it."""
    return jax.tree.map(
        lambda leaf: leaf + np.float32(np.pi / 7) if hasattr(leaf, "dtype") else leaf, genome
    )


@pytest.fixture
def rule(tmp_path):
    spec = specs.load(TINY)
    path = tmp_path / "rule.safetensors"
    store.save_rule(path, moved(build(spec).genome), spec, 7)
    return path


@pytest.mark.parametrize("case", VARIED)
def test_round_trip_is_exact(tmp_path, case):
    spec = specs.with_overrides(specs.load(TINY), VARIED[case])
    start = build(spec).genome
    genome = moved(start)
    store.save_rule(tmp_path / "rule.safetensors", genome, spec)
    found = store.load(tmp_path / "rule.safetensors")
    assert jax.tree.structure(found.genome) == jax.tree.structure(genome)
    saved, loaded, untouched = map(jax.tree.leaves, (genome, found.genome, start))
    assert len(saved) > 5
    for a, b, c in zip(saved, loaded, untouched, strict=True):
        assert a.dtype == b.dtype and np.asarray(a).tobytes() == np.asarray(b).tobytes()
        assert np.asarray(a).tobytes() != np.asarray(c).tobytes() or not np.isfinite(c).all()
    assert found.spec.tables == spec.tables and found.anatomy == spec["anatomy"]


def test_a_network_of_any_size(rule):
    network = store.load(rule).network(5, (3, 2), 4)
    state = network.born(jax.random.key(0))
    assert network.predict(state, jax.numpy.ones(5)).shape == (4,)
    assert [p.size for p in network.circuit.populations] == [5, 3, 2, 5, 10, 4]


def test_it_is_found_by_folder_and_by_file(rule):
    assert store.locate(rule.parent) == rule == store.locate(rule)
    assert store.load(str(rule.parent)).name == str(rule.parent)
    with pytest.raises(StoreError, match="no such run folder or rule file"):
        store.load(rule.parent / "nothing")
    (rule.parent / "empty").mkdir()
    with pytest.raises(StoreError, match=r"no run folder, .* give a run folder") as refused:
        store.load(rule.parent / "empty")
    assert "resume" not in str(refused.value)
    (rule.parent / "empty" / "spec.toml").touch()
    with pytest.raises(StoreError, match="metaplast resume"):
        store.load(rule.parent / "empty")


@pytest.mark.parametrize("name", store.shipped())
def test_every_shipped_rule_loads(name):
    found = store.load(name)
    assert found.name == name and jax.tree.leaves(found.genome)


def _flip(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


class _Bomb:
    """Runs code when unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def _edited(raw: bytes, **changes) -> bytes:
    """The same file with another manifest, its hash made right again where it is not given."""
    length = int.from_bytes(raw[:8], "little")
    manifest = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"][rulefile.KEY])
    from safetensors.numpy import load

    tensors = load(raw)
    for name in changes.pop("drop", ()):
        del tensors[name]
    tensors.update(changes.pop("add", {}))
    manifest.update(changes)
    if "hash" not in changes:
        manifest["hash"] = rulefile.digest(tensors, manifest)
    return save(tensors, {rulefile.KEY: json.dumps(manifest)})


def _spec_with(raw: bytes, **changes) -> bytes:
    length = int.from_bytes(raw[:8], "little")
    manifest = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"][rulefile.KEY])
    return _edited(raw, spec={**manifest["spec"], **changes})


ETA = "['lateral'].eta.log"
HOSTILE = {
    "empty": (lambda raw: b"", "not a safetensors file"),
    "text": (lambda raw: b"hello, I am a rule, trust me", "not a safetensors file"),
    "pickle": (lambda raw: pickle.dumps(_Bomb()), "not a safetensors file"),
    "cut short": (lambda raw: raw[:-5], "damaged"),
    "one bit of a number": (lambda raw: _flip(raw, len(raw) - 2), "do not match their hash"),
    "a header longer than the file": (lambda raw: b"\xff" * 8 + raw[8:], "not a safetensors file"),
    "a deep header": (
        lambda raw: (200_000).to_bytes(8, "little") + b"[" * 200_000,
        "not a safetensors file",
    ),
    "somebody else's": (lambda raw: save({"w": np.ones(3)}), "not written by metaplast"),
    "a type that is a list": (
        lambda raw: (n := b'{"a": {"dtype": []}}') and len(n).to_bytes(8, "little") + n,
        "unknown type",
    ),
    "a newer format": (lambda raw: _edited(raw, format=99), "format 99"),
    "a wrong hash": (lambda raw: _edited(raw, hash="0" * 64), "do not match their hash"),
    "a missing number": (lambda raw: _edited(raw, drop=[".rules" + ETA]), "lacks .rules"),
    "a number too many": (lambda raw: _edited(raw, add={"x": np.ones(2)}), "holds x"),
    "a number of another shape": (
        lambda raw: _edited(raw, add={".rules" + ETA: np.ones(2, "float32")}),
        "expected float32[]",
    ),
    "no spec": (lambda raw: _edited(raw, spec=None), "no spec"),
    "a spec of other things": (lambda raw: _spec_with(raw, hidden="many"), "hidden"),
    "a type from elsewhere": (
        lambda raw: _spec_with(raw, genome={"neurons": {"input": {"type": "os.system"}}}),
        "unknown",
    ),
    "a contract as a type": (
        lambda raw: _spec_with(raw, genome={"neurons": {"input": {"type": "AbstractNeuron"}}}),
        "unknown",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_bad_file_is_refused_in_one_line(rule, case):
    spoil, told = HOSTILE[case]
    store.load(rule)  # it was good before
    rule.write_bytes(spoil(rule.read_bytes()))
    with pytest.raises(StoreError) as refused:
        store.load(rule)
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert str(rule) in str(refused.value)


def test_a_file_is_replaced_whole_or_not_at_all(rule, monkeypatch):
    before = rule.read_bytes()

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rulefile.os, "fsync", no_space)
    with pytest.raises(OSError):
        rulefile.replace(rule, b"new")
    assert rule.read_bytes() == before and list(rule.parent.iterdir()) == [rule]
    monkeypatch.undo()
    rulefile.replace(rule, b"new")
    assert rule.read_bytes() == b"new"
