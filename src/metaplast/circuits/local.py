"""Cells that look at a patch of what lies below, each with weights of its own."""

from __future__ import annotations

import itertools
from typing import Literal

from metaplast.circuits.anatomy import Circuit, Population, Projection, Wiring, seen_by, square
from metaplast.source import Source

SOURCE: Source = Source(
    "Bartunov, Santoro, Richards, Marris, Hinton & Lillicrap", 2018,
    "Assessing the scalability of biologically-motivated deep learning algorithms and "
    "architectures",
    "10.48550/arXiv.1807.04587",
)  # fmt: skip


def local(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    patch: int = 3,
    stride: int = 1,
    feedback: Literal["random", "direct", "none"] = "direct",
) -> Circuit:
    """Layers of cells with local receptive fields in two dimensions, without weight sharing.

    The input is the most square picture of its size (64 as 8 x 8, 784 as 28 x 28), row by row. At
    every place of a layer there are as many cells as `hidden` says, and each hears all cells of a
    patch of places below. Places whose patch would reach beyond the edge are left out. Output
    cells hear the whole last layer; feedback is dense.

    Args:
        inputs: input cells.
        hidden: cells *at each place* of every hidden layer.
        outputs: output cells, one a class.
        patch: side of a receptive field, in places; where the layer below is smaller, all of it.
        stride: places from one receptive field to the next.
        feedback: `direct`: every hidden layer hears the output cells; `random`: it hears the layer
            above; `none`.

    Kinds: those of `layered`.

    References: Bartunov et al. (2018) NeurIPS, arXiv:1807.04587.
    """
    return pictured(inputs, hidden, outputs, patch, stride, feedback, "local")


def pictured(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    patch: int,
    stride: int,
    feedback: str,
    hearing: Wiring,
) -> Circuit:
    """`local` or `convolutional`, as `hearing` says."""
    for name, given in (("patch", patch), ("stride", stride)):
        if given < 1:
            raise ValueError(f"{name} = {given}: expected 1 or more places")
    grid = (*square(inputs), 1)
    pops, wires = [Population("input", inputs, "input", grid=grid)], []
    for layer, cells in enumerate(hidden, 1):
        below = pops[-1].name
        grid = seen_by(grid, patch, stride, cells)
        p = Population(f"hidden{layer}", grid[0] * grid[1] * grid[2], "hidden", grid=grid)
        pops.append(p)
        wires.append(Projection(f"{below}->{p.name}", "forward", below, p.name, "basal", hearing,
                                patch=patch, stride=stride))  # fmt: skip
    pops.append(Population("output", outputs, "output"))
    last = pops[-2].name
    wires.append(Projection(f"{last}->output", "readout", last, "output", "basal"))
    for below, above in itertools.pairwise(pops[1:]):
        source = pops[-1] if feedback == "direct" else above
        if feedback != "none":
            wires.append(Projection(f"{source.name}~>{below.name}", "feedback", source.name,
                                    below.name, "apical"))  # fmt: skip
    return Circuit(tuple(pops), tuple(wires))
