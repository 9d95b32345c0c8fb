"""A recurrent reservoir whose rates an association area reads."""

from __future__ import annotations

import math

from metaplast.circuits.anatomy import Circuit, Population, Projection
from metaplast.source import Source

SOURCE: Source = Source(
    "Sussillo & Abbott", 2009,
    "Generating coherent patterns of activity from chaotic neural networks",
    "10.1016/j.neuron.2009.07.018",
)  # fmt: skip


def reservoir(inputs: int, hidden: tuple[int, ...], outputs: int, prior: float = 1.0) -> Circuit:
    r"""A recurrent population whose rates an association area relays to the output cells; what
    the output cells send back reaches the recurrent ones.

    Args:
        inputs: input cells.
        hidden: one number, that of the recurrent cells.
        outputs: output cells.
        prior: variance of a readout weight before anything was learned: 1 / ridge.

    Kinds: populations `input`, `hidden`, `association`, `output`; projections `forward`,
    `recurrent`, `relay`, `lateral`, `readout`, `feedback`.

    References: Sussillo & Abbott (2009) doi:10.1016/j.neuron.2009.07.018.
    """
    if len(hidden) != 1:
        raise ValueError(f"hidden = {hidden}: expected one number, that of the recurrent cells")
    if not 0 < prior < math.inf:
        raise ValueError(f"prior = {prior}: expected a finite positive number; give 1.0")
    pops = (
        Population("input", inputs, "input"),
        Population("reservoir", hidden[0], "hidden"),
        Population("association", hidden[0], "association"),
        Population("output", outputs, "output"),
    )
    even = math.sqrt(prior)
    return Circuit(pops, (
        Projection("input->reservoir", "forward", "input", "reservoir", "basal"),
        Projection("recurrent", "recurrent", "reservoir", "reservoir", "lateral"),
        Projection("reservoir=>association", "relay", "reservoir", "association", "basal",
                   "one_to_one", scale=even),
        Projection("reservoir=>association settled", "relay", "reservoir", "association",
                   "lateral", "one_to_one", scale=even),
        Projection("lateral", "lateral", "association", "association", "lateral", birth="zero"),
        Projection("association->output", "readout", "association", "output", "basal",
                   birth="zero"),
        Projection("output~>reservoir", "feedback", "output", "reservoir", "apical"),
    ))  # fmt: skip
