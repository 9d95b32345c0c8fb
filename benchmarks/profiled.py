"""What a compiled program spends its time on, by kind of operation, as XLA's profiler tells."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import jax
from operations import FREE

WEIGHTS, PRODUCTS, KEPT, CELLS = (
    "passes over weights", "small products", "kept, fetched, copied", "all else of cells",
)  # fmt: skip
"""Kinds: what reads or writes an array of weights; products of small matrices, as decision
networks are; what moves vectors to and from where a moment keeps them, by its name, so that some
arithmetic on the way is in it; the rest."""
KINDS = (WEIGHTS, PRODUCTS, KEPT, CELLS)
INSTRUCTION = re.compile(
    r"^\s+(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<made>.*?)\s(?P<opcode>[a-z][a-z\-0-9]*)"
    r"\((?P<operands>.*?)\)(?:,|$)", re.MULTILINE,
)  # fmt: skip
MOVES = ("dynamic-update-slice", "dynamic-slice", "copy", "wrapped_broadcast", "bitcast_bitcast")
PRODUCED = ("ynn_fusion", "dot", "dot_general")


class Spent(NamedTuple):
    """What a program started, and how long it took, profiled."""

    operations: int
    seconds: float


def profiled(
    program: jax.stages.Compiled, weights: Iterable[tuple[int, ...]], *arguments
) -> dict[str, Spent]:
    """What one run of a program spends on each kind of operation.

    Every operation that is told of takes longer for being told of: compare kinds, and read seconds
    as upper limits.

    Args:
        program: compiled. It runs once before it is profiled.
        weights: shapes of matrices, as they lie in the program.
        arguments: of the program.
    """
    kinds = _kinds(program.as_text(), {",".join(map(str, shape)) for shape in weights})
    jax.block_until_ready(program(*arguments))
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(program(*arguments))
        (told,) = Path(folder).rglob("*.xplane.pb")
        profile = jax.profiler.ProfileData.from_file(str(told))
    spent = dict.fromkeys(KINDS, Spent(0, 0.0))
    for plane in profile.planes:
        for line in plane.lines:
            for event in line.events:
                if event.name in kinds:
                    kind = kinds[event.name]
                    count, seconds = spent[kind]
                    spent[kind] = Spent(count + 1, seconds + event.duration_ns / 1e9)
    return spent


def _kinds(text: str, weights: set[str]) -> dict[str, str]:
    """The kind of every operation that a program starts, by name."""
    made = {found["name"]: found for found in INSTRUCTION.finditer(text)}

    def touches_weights(found: re.Match) -> bool:
        operands = re.findall(r"%([\w.\-]+)", found["operands"])
        arrays = [found["made"], *(made[name]["made"] for name in operands if name in made)]
        return any(re.search(rf"[\[,]{shape}\]", array) for shape in weights for array in arrays)

    def kind(name: str, found: re.Match) -> str:
        if touches_weights(found):
            return WEIGHTS
        if name.split(".")[0] in PRODUCED:
            return PRODUCTS
        return KEPT if any(move in name for move in MOVES) else CELLS

    return {n: kind(n, found) for n, found in made.items() if found["opcode"] not in FREE}
