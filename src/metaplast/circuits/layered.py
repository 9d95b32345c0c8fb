"""The classic deep network."""

from __future__ import annotations

import itertools
from typing import Literal

from metaplast.circuits.anatomy import Circuit, Population, Projection
from metaplast.circuits.choices import checked
from metaplast.source import Source

SOURCE: Source = Source(
    "Lillicrap, Cownden, Tweed & Akerman", 2016,
    "Random synaptic feedback weights support error backpropagation for deep learning",
    "10.1038/ncomms13276",
)  # fmt: skip


@checked
def layered(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    feedback: Literal["random", "direct", "symmetric", "none"] = "random",
) -> Circuit:
    r"""A feed-forward network of any depth and width, with feedback of its own.

    `random`: each layer hears the layer above over its own fixed weights (feedback
    alignment); `direct`: each hidden layer hears the output cells (direct feedback
    alignment); `symmetric`: the transposed forward weights, the control that cheats;
    `none`: hidden layers hear nothing.

    Kinds: populations `input`, `hidden`, `output`; projections `forward`, `readout`
    (the last forward one), `feedback`.

    References: Lillicrap et al. (2016) doi:10.1038/ncomms13276; Nøkland (2016)
    arXiv:1609.01596.
    """
    pops = [Population("input", inputs, "input")]
    pops += [Population(f"hidden{i + 1}", n, "hidden") for i, n in enumerate(hidden)]
    pops += [Population("output", outputs, "output")]
    forward = [
        Projection(f"{a.name}->{b.name}", "forward" if b.kind == "hidden" else "readout",
                   a.name, b.name, "basal")
        for a, b in itertools.pairwise(pops)
    ]  # fmt: skip
    back = []
    for below, above, through in zip(pops[1:-1], pops[2:], forward[1:], strict=True):
        source = pops[-1] if feedback == "direct" else above
        name = f"{source.name}~>{below.name}"
        if feedback == "symmetric":
            back.append(Projection(name, "feedback", source.name, below.name, "apical",
                                   "transpose", of=through.name))  # fmt: skip
        elif feedback != "none":
            back.append(Projection(name, "feedback", source.name, below.name, "apical"))
    return Circuit(tuple(pops), tuple(forward + back))
