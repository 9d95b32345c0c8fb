"""Found rules on disk: save one, load one, build networks from it.

Loading one runs no code, with one exception: where its spec names a file or a module of somebody's
own (`FILE.py:Name`, `module:Name`), that code is run, if it is there. A rule brings no code along;
one that comes from somebody else can only name what is on this machine already.
"""

from __future__ import annotations

import dataclasses
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

from metaplast import __version__, own_copy, own_source, rulefile
from metaplast.checkpoint import flatten, load_checkpoint, restore, save_checkpoint
from metaplast.experiment import build_circuit, build_genome, build_presentation, check_fit
from metaplast.lifetime import Learner
from metaplast.network import Genome, PlasticNetwork
from metaplast.rulefile import StoreError, locate, shipped
from metaplast.settled import relative
from metaplast.spec import Spec, SpecError, settle

__all__ = [
    "Found",
    "StoreError",
    "load",
    "load_checkpoint",
    "locate",
    "save_checkpoint",
    "save_rule",
    "shipped",
]


@dataclasses.dataclass(frozen=True)
class Found:
    """A rule from a file, as a rule one that a search found: a genome, and its anatomy."""

    name: str
    """What it was loaded by: unlike the name of its spec, no other rule beside it has it."""
    genome: Genome
    spec: Spec
    manifest: dict[str, Any]

    @property
    def searched(self) -> bool:
        """Whether a search found it: files are also written by hand, and where a search begins."""
        return self.manifest.get("step") is not None

    @property
    def anatomy(self) -> dict[str, Any]:
        """The `[anatomy]` table: a circuit function by name, and its options."""
        return self.spec["anatomy"]

    def network(self, inputs: int, hidden: tuple[int, ...], classes: int) -> PlasticNetwork:
        """A newborn-to-be of any size: a genome knows none."""
        circuit = build_circuit(self.anatomy, inputs, tuple(hidden), classes)
        return PlasticNetwork(circuit, self.genome)

    def learner(self, inputs: int, hidden: tuple[int, ...], classes: int) -> Learner:
        """The network, to which stimuli are presented as they were in the search."""
        network, presentation = self.network(inputs, hidden, classes), build_presentation(self.spec)
        return network if presentation is None else presentation.of(network)


def save_rule(path: Path, genome: Genome, spec: Spec, step: int | None = None) -> str:
    """Write a genome and its spec as one file; returns its hash.

    `step` is the meta-step it was found at, where a search found it.
    """
    tensors, _ = flatten(genome)
    spec = settle(spec)
    code = {home: own_source.digest(home) for home in own_copy.homes(spec)}
    about = {
        "name": spec.name,
        "seed": spec.seed,
        "step": step,
        "spec": spec.tables,
        "metaplast": __version__,
        "jax": metadata.version("jax"),
        **({"code": code} if code else {}),
    }
    return rulefile.write(path, tensors, about)


def load(path_or_name: str | Path) -> Found:
    """Load a found rule: a run folder, the file of a rule, or the name of a shipped one.

    Where its spec names code of somebody's own, that code is run; a warning says so if it was
    edited since the rule was found.

    Raises:
        StoreError: no such rule, a file that is damaged or not ours, or code that is not there.
    """
    path = locate(path_or_name)
    contents = rulefile.read(path)
    tables = contents.manifest.get("spec")
    if not isinstance(tables, dict):
        raise StoreError(f"{path}: damaged: the manifest holds no spec")
    try:
        spec = Spec(tables, str(path))
        _check_code(spec, path)
        genome = build_genome(spec["genome"])
        check_fit(genome, build_circuit(spec["anatomy"], 1, spec.hidden, 2))
    except SpecError as fault:
        raise StoreError(f"{path}: {fault}") from None
    _tell_edited(contents.manifest, path)
    return Found(
        str(path_or_name), restore(genome, contents.tensors, str(path)), spec, contents.manifest
    )


def _check_code(spec: Spec, path: Path) -> None:
    """Refuse a rule whose code would be looked for in whatever folder one happens to be in."""
    for home in relative(own_source.homes([spec["genome"], spec["anatomy"]])):
        raise StoreError(
            f"{path}: its spec names {home!r}, expected a whole path; write the file with "
            "metaplast.store.save_rule"
        )


def _tell_edited(manifest: dict[str, Any], path: Path) -> None:
    code = manifest.get("code")
    for home, digest in code.items() if isinstance(code, dict) else ():
        if own_source.digest(home) not in ("", digest):
            warnings.warn(
                f"{path}: {home} was edited since this rule was found, so it may mean something "
                "else now",
                stacklevel=3,
            )
