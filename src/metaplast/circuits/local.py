"""Cells that look at a patch of what lies below, each with weights of its own."""

from __future__ import annotations

from typing import Literal

from metaplast.circuits.anatomy import Circuit, Population, Projection, Wiring, seen_by, square
from metaplast.circuits.choices import checked
from metaplast.source import Source

SOURCE: Source = Source(
    "Bartunov, Santoro, Richards, Marris, Hinton & Lillicrap", 2018,
    "Assessing the scalability of biologically-motivated deep learning algorithms and "
    "architectures",
    "10.48550/arXiv.1807.04587",
)  # fmt: skip


Feedback = Literal["random", "direct", "backward", "symmetric", "signs", "none"]
RETURNING: dict[str, Wiring] = {"backward": "backward", "symmetric": "transpose", "signs": "signs"}
"""Wiring by feedback that runs back along the synapses of the way forward."""


@checked
def local(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    patch: int = 3,
    stride: int = 1,
    feedback: Feedback = "direct",
    channels: int = 1,
) -> Circuit:
    """Layers of cells with local receptive fields in two dimensions, without weight sharing.

    The input is the most square picture of its size (64 as 8 x 8, 784 as 28 x 28, 3072 in three
    channels as 32 x 32), row by row, the channels of a place together. At
    every place of a layer there are as many cells as `hidden` says, and each hears all cells of a
    patch of places below. Places whose patch would reach beyond the edge are left out. Output
    cells hear the whole last layer.

    Args:
        inputs: input cells.
        hidden: cells *at each place* of every hidden layer.
        outputs: output cells, one a class.
        patch: side of a receptive field, in places; where the layer below is smaller, all of it.
        stride: places from one receptive field to the next.
        feedback: `direct`: every hidden layer hears all output cells; `random`: it hears all cells
            of the layer above; `backward`: it hears those that hear it, over weights of its own;
            `symmetric`: these, over the forward weights, and `signs`: over their signs, the
            controls that cheat; `none`.
        channels: input cells at each place, such as colors.

    Kinds: those of `layered`.

    References: Bartunov et al. (2018) NeurIPS, arXiv:1807.04587; `signs`: Liao, Leibo & Poggio
    (2016) doi:10.1609/aaai.v30i1.10279.
    """
    return pictured(inputs, hidden, outputs, patch, stride, feedback, channels, "local")


def pictured(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    patch: int,
    stride: int,
    feedback: str,
    channels: int,
    hearing: Wiring,
) -> Circuit:
    """`local` or `convolutional`, as `hearing` says."""
    for name, given in (("patch", patch), ("stride", stride)):
        if given < 1:
            raise ValueError(f"{name} = {given}: expected 1 or more places")
    if channels < 1 or inputs % channels:
        raise ValueError(
            f"channels = {channels}: expected a divisor of inputs = {inputs}, such as 3 for colors"
        )
    grid = (*square(inputs // channels), channels)
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
    forward = wires[1:]
    for below, above, through in zip(pops[1:-1], pops[2:], forward, strict=True):
        source = pops[-1] if feedback == "direct" else above
        name = f"{source.name}~>{below.name}"
        if feedback in RETURNING:
            wires.append(Projection(name, "feedback", source.name, below.name, "apical",
                                    RETURNING[feedback], of=through.name))  # fmt: skip
        elif feedback != "none":
            wires.append(Projection(name, "feedback", source.name, below.name, "apical"))
    return Circuit(tuple(pops), tuple(wires))
