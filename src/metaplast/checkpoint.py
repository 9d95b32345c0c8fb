"""Where a search stands, on disk: exact bits, whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from metaplast import hint, rulefile
from metaplast.rulefile import StoreError

NAME = re.compile(r"step-\d+\.safetensors")
"""Of the file that holds the tensors of a step."""
Read = Callable[[Path], rulefile.Contents]


def save_checkpoint(folder: Path, tree: Any, position: dict[str, Any]) -> None:
    """Save a PyTree of arrays and random keys, and a few plain values that go with it.

    The tensors go to a file of their own; then a small manifest that names the file is
    renamed over the old one. A process killed anywhere in between leaves the previous
    checkpoint in force.

    Args:
        folder: `<run>/checkpoint`, made where absent.
        tree: any PyTree whose leaves are arrays or typed keys.
        position: plain JSON values, among them `step`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors, keys = flatten(tree)
    name = f"step-{int(position['step']):08d}.safetensors"
    total = rulefile.write(folder / name, tensors, {"keys": keys, "position": position})
    manifest = {"file": name, "hash": total, "position": position}
    rulefile.replace(folder / "manifest.json", json.dumps(manifest, indent=1).encode())
    for old in folder.glob("step-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)


def load_checkpoint(folder: Path, like: Any) -> tuple[Any, dict[str, Any]]:
    """The tree and the position that were saved last, bit for bit.

    Args:
        folder: `<run>/checkpoint`.
        like: a tree of the same structure, shapes and types, such as the start of the search.

    Raises:
        StoreError: no checkpoint, a damaged one, or one of a different experiment.
    """
    file, contents = _last(folder, rulefile.read)
    return restore(like, contents.tensors, str(file)), contents.manifest["position"]


def load_position(folder: Path) -> dict[str, Any]:
    """The plain values that were saved last, without the tree.

    They stand in the manifest and in the file that it names; only `load_checkpoint` looks whether
    that file matches its hash.

    Raises:
        StoreError: no checkpoint, or one that is damaged as far as it is read.
    """
    return _last(folder, rulefile.peek)[1].manifest["position"]


def _last(folder: Path, read: Read) -> tuple[Path, rulefile.Contents]:
    """The last checkpoint, also of a search that goes on: it takes a file away as soon as the
    manifest names the next one, perhaps after that was read here."""
    manifest = _manifest(folder)
    while True:
        try:
            return _named(folder, manifest, read)
        except StoreError:
            before, manifest = manifest, _manifest(folder)
            if manifest == before:
                raise


def _named(folder: Path, manifest: dict[str, Any], read: Read) -> tuple[Path, rulefile.Contents]:
    """The file that a manifest names, and what is read of it."""
    file = folder / manifest["file"]
    try:
        contents = read(file)
    except StoreError:
        raise StoreError(f"{file}: absent, damaged or cut short; {_anew(folder)}") from None
    path, stored = folder / "manifest.json", contents.manifest
    if stored.get("hash") != manifest["hash"]:
        raise StoreError(f"{file}: not the file that {path} names; {_anew(folder)}")
    if _text(stored.get("position")) != _text(manifest["position"]):
        raise StoreError(f"{path}: position is not that of {file.name}; {_anew(folder)}")
    return file, contents


def _text(value: Any) -> str:
    """To compare by, for NaN is not equal to itself."""
    return json.dumps(value, sort_keys=True)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        told = json.loads(path.read_text())
        manifest = {name: told[name] for name in ("file", "hash", "position")}
        if not NAME.fullmatch(manifest["file"]) or not isinstance(manifest["position"], dict):
            raise TypeError
        return manifest
    except IsADirectoryError:
        raise StoreError(f"{path}: is a folder; {_anew(folder)}") from None
    except OSError as fault:
        raise StoreError(f"{path}: {fault.strerror}; give the folder of a run") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StoreError(f"{path}: damaged; {_anew(folder)}") from None


def _anew(folder: Path) -> str:
    return f"remove {folder} and begin anew with: {hint.resume(folder.parent)}"


def flatten(tree: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Array leaves by their path, and the implementation of each leaf that is a random key."""
    tensors: dict[str, np.ndarray] = {}
    keys: dict[str, str] = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        name = jax.tree_util.keystr(path)
        if not hasattr(leaf, "dtype"):
            continue  # a number fixed by hand: the spec holds it
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            keys[name] = str(jax.random.key_impl(leaf))
            leaf = jax.random.key_data(leaf)
        tensors[name] = np.asarray(leaf, order="C")
    return tensors, keys


def restore(like: Any, tensors: dict[str, np.ndarray], origin: str) -> Any:
    """The tree `like`, its array leaves replaced by those stored under the same path."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    wanted = {jax.tree_util.keystr(path) for path, leaf in leaves if hasattr(leaf, "dtype")}
    missing, extra = sorted(wanted - set(tensors)), sorted(set(tensors) - wanted)
    if missing or extra:
        what = f"lacks {missing[0]}" if missing else f"holds {extra[0]}, which nothing asks for"
        raise StoreError(f"{origin}: {what}; it belongs to another spec or version")
    restored = [_leaf(jax.tree_util.keystr(path), leaf, tensors, origin) for path, leaf in leaves]
    return jax.tree_util.tree_unflatten(structure, restored)


def _leaf(name: str, like: Any, tensors: dict[str, np.ndarray], origin: str) -> Any:
    if not hasattr(like, "dtype"):
        return like
    key = jnp.issubdtype(like.dtype, jax.dtypes.prng_key)
    shaped = jax.random.key_data(like) if key else like
    stored = tensors[name]
    if stored.shape != shaped.shape or stored.dtype != shaped.dtype:
        raise StoreError(
            f"{origin}: {name} is {stored.dtype}{list(stored.shape)}, "
            f"expected {shaped.dtype}{list(shaped.shape)}; it belongs to another spec"
        )
    array = jnp.asarray(stored)
    return jax.random.wrap_key_data(array, impl=jax.random.key_impl(like)) if key else array
