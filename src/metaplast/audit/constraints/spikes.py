"""Cells talk in spikes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metaplast.audit.constraints.abstract import AbstractConstraint
from metaplast.audit.verdict import Grade, not_applicable, upheld, violated
from metaplast.source import Source

MOST = 4
"""Lines over which one cell may send spikes that differ."""


class Spikes(AbstractConstraint):
    """What cells send to other cells is a spike or nothing, on the sampled lives.

    Messages are all fields of cells that other cells read, those of interneurons included. What
    input cells are shown by the world, and make of it by themselves, is counted apart.

    One cell speaks over `MOST` lines at most, of which those that always say the same count once:
    many of them could spell a graded message.

    What it can miss: a graded message that is a spike by chance in all the sampled moments, or
    that is spelled over a few lines or moments.
    """

    name: ClassVar[str] = "spikes"
    claim: ClassVar[str] = "messages between cells are in {0, 1}"
    source: ClassVar[Source] = Source(
        "Maass", 1997,
        "Networks of spiking neurons: the third generation of neural network models",
        "10.1016/S0893-6080(97)00011-7",
    )  # fmt: skip
    grades: ClassVar[tuple[Grade, ...]] = (Grade.TEST,)

    def check(self, evidence):
        made, lives = evidence.reads.places.made, evidence.lives
        first, rates, inputs, lines = "", [], [], {}
        for position in evidence.messages():
            leaf, values = made[position], evidence.leaf(position, lives)
            graded = values[~np.isin(values, (0, 1))]
            if evidence.shown(position):
                inputs.append(graded.size == 0)
                continue
            rates.append(float(values.mean()))
            lines.setdefault(leaf.owner, []).append(
                values.reshape(-1, leaf.shape[0], int(np.prod(values.shape[3:], dtype=int)))
            )
            if graded.size and not first:
                first = f"{leaf.field} of {leaf.owner} is {graded[0]:.4g}"
        told = f"input cells send {'spikes' if all(inputs) else 'graded values'}"
        told = told if inputs else "nobody sends on what the world shows"
        if not rates:
            return not_applicable("no cell but those of the input sends anything", Grade.TEST)
        if first:
            return violated(Grade.TEST, first, told)
        widths = {owner: _width(np.concatenate(several, -1)) for owner, several in lines.items()}
        widest = max(widths, key=lambda owner: widths[owner])
        if widths[widest] > MOST:
            witness = f"a cell of {widest} speaks over {widths[widest]} lines, expected {MOST}"
            return violated(Grade.TEST, f"{witness} at most", told)
        return upheld(Grade.TEST, f"{np.mean(rates):.2f} spikes a moment; {told}")


def _width(values: np.ndarray) -> int:
    """Over how many different lines, none of them constant, a cell speaks at most; of values
    `[moments, cells, lines]`."""
    counts = [0]
    for cell in np.moveaxis(values, 1, 0):
        courses = {line.tobytes() for line in cell.T.astype(bool) if (line != line[0]).any()}
        counts.append(len(courses))
    return max(counts)
