"""Checkpoints: exact bits, random keys included, and the old one until the new one stands."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import checkpoint
from metaplast.checkpoint import load_checkpoint, save_checkpoint
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
