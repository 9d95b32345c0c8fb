"""Layers and nothing beside them, each of which decorrelates what it says."""

from __future__ import annotations

import dataclasses
from typing import Literal

from metaplast.circuits.anatomy import Circuit, Projection
from metaplast.circuits.choices import checked
from metaplast.circuits.layered import layered
from metaplast.source import Source

SOURCE: Source = Source(
    "Desjardins, Simonyan, Pascanu & Kavukcuoglu", 2015, "Natural neural networks",
    "10.48550/arXiv.1507.00210",
)  # fmt: skip


@checked
def layerwise(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    feedback: Literal["random", "direct", "none"] = "direct",
) -> Circuit:
    """The deep network of backprop, with lateral synapses inside the input and hidden layers.

    The only way from the input to the output leads through all layers. Lateral synapses are zero at
    birth, as are those onto the output; they deliver nothing that travels on, but tell
    `Decorrelated` cells what to offer the synapses onto the next layer. Everybody has
    one onto itself. By default each hidden layer hears the output cells over its own fixed random
    weights.

    Args:
        inputs: input cells.
        hidden: cells of every hidden layer.
        outputs: output cells, one a class.
        feedback: as in `layered`.

    Kinds: those of `layered`, and the projections `lateral_input` and `lateral`.

    References: Desjardins et al. (2015) arXiv:1507.00210; Nøkland (2016) arXiv:1609.01596.
    """
    whole = layered(inputs, hidden, outputs, feedback)
    silent = tuple(
        dataclasses.replace(q, birth="zero") if q.kind == "readout" else q
        for q in whole.projections
    )
    lateral = tuple(
        Projection(f"{p.name}->{p.name}", "lateral_input" if p.kind == "input" else "lateral",
                   p.name, p.name, "lateral", birth="zero")
        for p in whole.populations[:-1]
    )  # fmt: skip
    return Circuit(whole.populations, silent + lateral)
