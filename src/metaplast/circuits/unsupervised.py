"""Hidden layers that nobody teaches, below an area that reads them."""

from __future__ import annotations

import math

from metaplast.circuits.anatomy import Circuit, Population, Projection
from metaplast.circuits.layered import layered
from metaplast.source import Source

SOURCE: Source = Source(
    "Metz, Maheswaranathan, Cheung & Sohl-Dickstein", 2019,
    "Meta-learning update rules for unsupervised representation learning",
)  # fmt: skip


def unsupervised(inputs: int, hidden: tuple[int, ...], outputs: int, prior: float = 1.0) -> Circuit:
    """Hidden layers that hear nobody above them, below an association area that alone is taught.

    Args:
        inputs: input cells.
        hidden: cells of every hidden layer, one layer at least.
        outputs: output cells, one a class.
        prior: variance of a readout weight before anything was learned: 1 / ridge.

    Kinds: populations `input`, `hidden`, `association`, `output`; projections `forward`,
    `relay`, `lateral`, `readout`.

    References: Metz et al. (2019) ICLR, arXiv:1804.00222.
    """
    if not hidden:
        raise ValueError(f"hidden = {hidden}: expected one layer at least")
    if not 0 < prior < math.inf:
        raise ValueError(f"prior = {prior}: expected a finite positive number; give 1.0")
    deep = layered(inputs, hidden, outputs, "none")
    last, even = deep.populations[-2], math.sqrt(prior)
    pops = (*deep.populations[:-1], Population("association", last.size, "association"),
            deep.output)  # fmt: skip
    return Circuit(pops, (
        *deep.projections[:-1],
        Projection(f"{last.name}=>association", "relay", last.name, "association", "basal",
                   "one_to_one", scale=even),
        Projection(f"{last.name}=>association settled", "relay", last.name, "association",
                   "lateral", "one_to_one", scale=even),
        Projection("lateral", "lateral", "association", "association", "lateral", birth="zero"),
        Projection("association->output", "readout", "association", "output", "basal",
                   birth="zero"),
    ))  # fmt: skip
