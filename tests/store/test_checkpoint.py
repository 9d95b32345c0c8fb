"""Checkpoints: exact bits, random keys included, and the old one until the new one stands."""

from __future__ import annotations

import json
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import checkpoint
from metaplast.checkpoint import load_checkpoint, load_position, save_checkpoint
from metaplast.rulefile import StoreError


class Standing(NamedTuple):
    theta: dict
    key: jax.Array
    keys: jax.Array
    step: jax.Array


def standing(seed: int) -> Standing:
    key = jax.random.key(seed)
    theta = {
        "a": (jax.random.normal(key, (3, 2)), jnp.asarray(np.float32(-0.0))),
        "odd": jnp.asarray([jnp.nan, jnp.inf, -jnp.inf, 1e-45], jnp.float32),
        "whole": jnp.arange(4, dtype=jnp.int32) - 2,
        "flags": jnp.asarray([True, False]),
        "none": None,
        "empty": jnp.zeros((0, 3)),
    }
    return Standing(
        theta, jax.random.key(seed, impl="rbg"), jax.random.split(key, 3), jnp.asarray(seed)
    )


def bits(tree) -> list[bytes]:
    leaves = []
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        leaves.append(np.asarray(leaf).tobytes())
    return leaves


def test_round_trip_is_exact(tmp_path):
    saved, start = standing(5), standing(0)
    assert bits(saved) != bits(start)
    save_checkpoint(tmp_path / "c", saved, {"step": 5, "note": 0.1})
    loaded, position = load_checkpoint(tmp_path / "c", start)
    assert bits(loaded) == bits(saved)
    assert position == {"step": 5, "note": 0.1}
    assert loaded.theta["none"] is None and loaded.theta["empty"].shape == (0, 3)
    assert jax.random.key_impl(loaded.key) == jax.random.key_impl(saved.key)
    assert jnp.array_equal(jax.random.normal(loaded.key, (2,)), jax.random.normal(saved.key, (2,)))


def test_only_the_last_one_is_kept(tmp_path):
    for seed in (1, 2, 3):
        save_checkpoint(tmp_path, standing(seed), {"step": seed})
    assert sorted(f.name for f in tmp_path.iterdir()) == [
        "manifest.json",
        "step-00000003.safetensors",
    ]
    assert bits(load_checkpoint(tmp_path, standing(0))[0]) == bits(standing(3))


@pytest.mark.parametrize("at", ["tensors", "manifest"])
def test_a_crash_while_saving_leaves_the_old_one(tmp_path, monkeypatch, at):
    save_checkpoint(tmp_path, standing(1), {"step": 1})
    real = checkpoint.rulefile.replace
    when = {"tensors": ".safetensors", "manifest": "manifest.json"}[at]

    def crash(path, content):
        if path.name.endswith(when):
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(checkpoint.rulefile, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, standing(2), {"step": 2})
    monkeypatch.undo()
    loaded, position = load_checkpoint(tmp_path, standing(0))
    assert position["step"] == 1 and bits(loaded) == bits(standing(1))


def test_a_search_that_goes_on_meanwhile_is_read_all_the_same(tmp_path, monkeypatch):
    """Between the manifest and the file that it names, the search saves the next one."""
    save_checkpoint(tmp_path, standing(1), {"step": 1})
    real, pending = checkpoint.rulefile.read, [2, 3]

    def read(path):
        if pending:
            step = pending.pop(0)
            save_checkpoint(tmp_path, standing(step), {"step": step})
        return real(path)

    monkeypatch.setattr(checkpoint.rulefile, "read", read)
    loaded, position = load_checkpoint(tmp_path, standing(0))
    assert position["step"] == 3 and bits(loaded) == bits(standing(3)) != bits(standing(1))
    # Negative control: a file that is gone while nobody searches is no reason to wait.
    (tmp_path / "step-00000003.safetensors").unlink()
    with pytest.raises(StoreError, match="absent"):
        load_checkpoint(tmp_path, standing(0))


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(StoreError, match="No such file"):
        load_checkpoint(tmp_path, standing(0))
    save_checkpoint(tmp_path, standing(1), {"step": 1})
    bigger = standing(0)._replace(step=jnp.zeros(2, int))
    with pytest.raises(StoreError, match="another spec"):
        load_checkpoint(tmp_path, bigger)
    with pytest.raises(StoreError, match="lacks"):
        load_checkpoint(tmp_path, (standing(0), jnp.zeros(1)))
    file = tmp_path / "step-00000001.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StoreError, match="damaged"):
        load_checkpoint(tmp_path, standing(0))
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        load_checkpoint(tmp_path, standing(0))


POSITION = {"step": 1, "spec": {"seed": "a"}, "backprop_accuracy": float("nan")}
DAMAGES = {
    "a file that is no text": {"file": 3},
    "a file elsewhere": {"file": "../step-00000001.safetensors"},
    "a file of no name": {"file": ""},
    "no position": {"position": None},
    "a position that is a list": {"position": []},
    "an empty position": {"position": {}},
    "another step": {"position": {**POSITION, "step": 2}},
    "a spec that is a list": {"position": {**POSITION, "spec": []}},
    "a hash that is a number": {"hash": 3},
}


@pytest.mark.parametrize("load", [lambda at: load_checkpoint(at, standing(0))[1], load_position])
@pytest.mark.parametrize("case", DAMAGES)
def test_a_manifest_that_says_something_else_is_refused(tmp_path, case, load):
    save_checkpoint(tmp_path, standing(1), POSITION)
    path = tmp_path / "manifest.json"
    sound = path.read_text()
    path.write_text(json.dumps({**json.loads(sound), **DAMAGES[case]}))
    with pytest.raises(StoreError, match=f"remove {tmp_path} and begin anew") as refused:
        load(tmp_path)
    assert "\n" not in str(refused.value)
    path.write_text(sound)
    assert load(tmp_path)["spec"] == POSITION["spec"], "the control"


def test_a_manifest_that_is_no_manifest_is_refused(tmp_path):
    save_checkpoint(tmp_path, standing(1), POSITION)
    path = tmp_path / "manifest.json"
    for text in ("[]", "3", "[" * 100_000, "{}"):
        path.write_text(text)
        with pytest.raises(StoreError, match=f"damaged; remove {tmp_path} and"):
            load_position(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match=f"is a folder; remove {tmp_path} and"):
        load_position(tmp_path)


def test_a_position_costs_no_tensor(tmp_path):
    save_checkpoint(tmp_path, standing(1), POSITION)
    file = tmp_path / "step-00000001.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    assert load_position(tmp_path)["step"] == 1
    with pytest.raises(StoreError, match="damaged"):  # the control: whoever wants all of it is told
        load_checkpoint(tmp_path, standing(0))
    file.write_bytes(raw[:100])
    with pytest.raises(StoreError, match="damaged"):
        load_position(tmp_path)
