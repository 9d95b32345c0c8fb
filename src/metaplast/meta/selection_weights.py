"""Trained selection networks on disk: numbers and plain text, as rules are."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from metaplast import rulefile
from metaplast.meta.selection_network import SelectionNetwork
from metaplast.spec import near

UNTRAINED = "untrained"
FORMAT = "selection"
FIELDS = ("embed", "asked", "offered", "told", "verdicts", "hidden", "paces")


class Trained(NamedTuple):
    """A network, and what there is to know of it."""

    network: SelectionNetwork
    digest: str
    """SHA-256 of its numbers and of how they were found; empty where it is untrained."""
    about: dict[str, Any]


def shipped() -> dict[str, Path]:
    """The networks that come with the package, by name."""
    folder = Path(str(resources.files("metaplast"))) / "selection"
    return {file.stem: file for file in sorted(folder.glob("*.safetensors"))}


def save(path: Path, network: SelectionNetwork, about: dict[str, Any]) -> str:
    """Write a network; returns its digest.

    Args:
        path: an existing file is replaced.
        network: float arrays.
        about: how it was found, plain JSON values.
    """
    tensors = {name: np.asarray(getattr(network, name)) for name in FIELDS}
    return rulefile.write(path, tensors, {**about, "kind": FORMAT, "heads": network.heads})


def load(weights: str) -> Trained:
    """The network of that name, or of that file.

    Args:
        weights: `untrained`, a name from `shipped`, or a path.

    Raises:
        ValueError: no such network, or a file that holds none.
    """
    if weights == UNTRAINED:
        with jax.ensure_compile_time_eval():  # a search may be traced already
            return Trained(SelectionNetwork(jax.random.key(0)), "", {})
    known = shipped()
    path = known.get(weights, Path(weights))
    if not path.is_file():
        raise ValueError(
            f"weights = {weights!r}: no such network or file; {near(weights, [*known, UNTRAINED])}"
        )
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> Trained:
    del changed  # so that a file that was written again is read again
    contents = rulefile.read(path)
    if contents.manifest.get("kind") != FORMAT:
        raise ValueError(
            f"weights = {str(path)!r}: holds no selection network; "
            "give a file that `metaplast selection` wrote"
        )
    with jax.ensure_compile_time_eval():
        network: Any = object.__new__(SelectionNetwork)
        for name in FIELDS:
            object.__setattr__(network, name, jnp.asarray(contents.tensors[name]))
        object.__setattr__(network, "heads", int(contents.manifest["heads"]))
    return Trained(network, contents.manifest["hash"], contents.manifest)
