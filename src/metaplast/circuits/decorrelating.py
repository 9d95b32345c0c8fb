"""Hidden cells that learn to inhibit each other."""

from __future__ import annotations

import dataclasses
from typing import Literal

from metaplast.circuits.anatomy import Circuit, Projection
from metaplast.circuits.choices import checked
from metaplast.circuits.layered import layered
from metaplast.source import Source

SOURCE: Source = Source(
    "Földiák", 1990, "Forming sparse representations by local anti-Hebbian learning",
    "10.1007/BF02331346",
)  # fmt: skip


@checked
def decorrelating(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    feedback: Literal["random", "direct", "none"] = "none",
    inhibiting: bool = True,
    rounds: int = 3,
) -> Circuit:
    """A layered network whose hidden cells have plastic lateral synapses onto each other.

    Born silent, they grow between cells that are active together (`AntiHebb`), and cells that
    `Settling` makes of what arrives become independent of each other. No cell has a synapse onto
    itself.

    Args:
        inputs: input cells.
        hidden: cells of every hidden layer.
        outputs: output cells, one a class.
        feedback: as in `layered`.
        inhibiting: whether lateral synapses can only inhibit, as in the paper; else they may excite
            where cells are active against each other.
        rounds: of settling at each moment.

    Kinds: those of `layered`, and the projections `lateral`.

    References: Földiák (1990) doi:10.1007/BF02331346.
    """
    whole = layered(inputs, hidden, outputs, feedback)
    settling = tuple(
        dataclasses.replace(p, rounds=rounds) if p.kind == "hidden" else p
        for p in whole.populations
    )
    lateral = tuple(
        Projection(f"{p.name}->{p.name}", "lateral", p.name, p.name, "lateral", "others",
                   birth="zero", carries="settled", sign=-1 if inhibiting else 0)
        for p in settling
        if p.kind == "hidden" and p.size > 1
    )  # fmt: skip
    return Circuit(settling, whole.projections + lateral)
