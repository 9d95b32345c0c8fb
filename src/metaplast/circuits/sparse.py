"""The deep network of which most synapses are missing."""

from __future__ import annotations

import dataclasses
from typing import Literal

from metaplast.circuits.anatomy import Circuit
from metaplast.circuits.choices import checked
from metaplast.circuits.layered import layered
from metaplast.source import Source

SOURCE: Source = Source(
    "Litwin-Kumar, Harris, Axel, Sompolinsky & Abbott", 2017,
    "Optimal degrees of synaptic connectivity", "10.1016/j.neuron.2017.01.030",
)  # fmt: skip


@checked
def sparse(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    density: float = 0.2,
    feedback: Literal["random", "direct", "none"] = "random",
    seed: int = 0,
) -> Circuit:
    """A layered network in which every cell hears a fixed number of the cells below and above.

    Who hears whom is drawn from `seed`, once and for all lives; weights at birth have the variance
    1 / fan-in of the synapses that are there. Those that are not there stay absent: they hold no
    weight that a rule could change.

    Args:
        inputs: input cells.
        hidden: cells of every hidden layer.
        outputs: output cells, one a class.
        density: share of the senders that each cell hears, in every projection; one at least.
        feedback: as in `layered`.
        seed: of the anatomy.

    Kinds: those of `layered`.

    References: Litwin-Kumar et al. (2017) doi:10.1016/j.neuron.2017.01.030.
    """
    whole = layered(inputs, hidden, outputs, feedback)
    thinned = tuple(
        dataclasses.replace(q, wiring="sparse", density=density, seed=seed)
        for q in whole.projections
    )
    return Circuit(whole.populations, thinned)
