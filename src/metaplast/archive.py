"""The archive that a search by `MapElites` holds in its run folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax
from jax.flatten_util import ravel_pytree

from metaplast import hint
from metaplast.ahead import start
from metaplast.checkpoint import load_checkpoint
from metaplast.experiment import build
from metaplast.meta import MapElites
from metaplast.network import Genome
from metaplast.run import opened, same_spec
from metaplast.run_folder import CHECKPOINT
from metaplast.search import found
from metaplast.spec import Spec, SpecError
from metaplast.store import save_rule


class Elite(NamedTuple):
    """The best rule of a bin, or that there is none yet."""

    bin: int
    low: float
    high: float
    """Ends of the bin: decimal logarithms of the cost."""
    loss: float | None
    cost: float | None
    generations: int
    """In how many generations it has lived."""


class Elites(NamedTuple):
    """The archive of a run."""

    axis: str
    step: int
    rows: list[Elite]
    genomes: list[Genome]
    spec: Spec

    def save(self, number: int, path: Path) -> str:
        """Write the rule of a bin to a file; returns its hash.

        Raises:
            SpecError: there is no such bin, or nobody in it.
        """
        filled = [row.bin for row in self.rows if row.loss is not None]
        if number not in filled:
            raise SpecError(f"bin = {number}: nobody is in it; give one of {filled}")
        return save_rule(path, self.genomes[number], self.spec, self.step)


def elites(folder: Path) -> Elites:
    """Read the archive of a run folder.

    Raises:
        SpecError: no run, none by `MapElites`, one that has not begun, or one whose spec was edited
            since: its bins would have other limits.
    """
    spec = opened(folder)
    same_spec(folder, spec)
    experiment = build(spec)
    meta = experiment.meta
    if not isinstance(meta, MapElites):
        raise SpecError(
            f"run = {folder}: meta.type = {type(meta).__name__!r} keeps no archive; "
            'give a run with meta.type = "MapElites"'
        )
    checkpoint = folder / CHECKPOINT
    if not (checkpoint / "manifest.json").exists():
        raise SpecError(f"run = {folder}: has not begun; continue with: {hint.resume(folder)}")
    position, _ = load_checkpoint(checkpoint, start(experiment)[0])
    archive, edges = position.outer, meta.edges
    _, unravel = ravel_pytree(position.theta)
    rows = [
        Elite(
            number, edges[number], edges[number + 1],
            float(archive.loss[number]) if full else None,
            float(archive.cost[number]) if full else None,
            int(archive.generations[number]),
        )
        for number, full in enumerate(jax.device_get(archive.filled).tolist())
    ]  # fmt: skip
    genomes = [
        found(experiment.genome, position._replace(theta=unravel(candidate)))
        for candidate in archive.candidates
    ]
    return Elites(meta.axis, int(position.step), rows, genomes, spec)
