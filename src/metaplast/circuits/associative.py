"""Fast association beside slow credit."""

from __future__ import annotations

import itertools
import math

from metaplast.circuits.anatomy import Carried, Circuit, Population, Projection
from metaplast.source import OWN, Source

SOURCE: Source = OWN


def associative(
    inputs: int, hidden: tuple[int, ...], outputs: int, depth_share: float = 0.1
) -> Circuit:
    """Fast association beside slow credit: a layered path whose every stage is relayed
    to one association area, which alone drives the output cells.

    What hidden cells say passes innovation cells, whose plastic lateral synapses cancel
    what other hidden cells say already. The association area has plastic lateral synapses
    too, which start at zero: its cells settle at what their relays settled at, less what was
    learned of it. Each
    hidden layer hears the output cells over its own fixed random weights.

    Args:
        inputs: input cells.
        hidden: cells of every hidden layer.
        outputs: output cells, one a class.
        depth_share: how much of the drive of a layer beyond the first comes from the layer
            below; the rest comes from the input.

    Kinds: populations `input`, `hidden`, `innovation`, `association`, `output`; projections
    `forward`, `skip`, `report`, `novelty`, `relay_input`, `relay_hidden`, `lateral`,
    `readout`, `feedback`.
    """
    pops = [Population("input", inputs, "input")]
    for i, n in enumerate(hidden):
        # Layers mature one after the other, so that none stores codes that still change.
        pops.append(Population(f"hidden{i + 1}", n, "hidden", f"hidden{i}" if i else ""))
    wires = []
    for below, p in itertools.pairwise(pops):
        share = 1.0 if below is pops[0] else depth_share
        wires.append(Projection(f"{below.name}->{p.name}", "forward", below.name, p.name, "basal",
                                birth="zero", scale=share / below.size))  # fmt: skip
        if share < 1.0:
            wires.append(Projection(f"input->{p.name}", "skip", "input", p.name, "basal",
                                    birth="zero", scale=(1.0 - share) / inputs))  # fmt: skip
    offset = 0
    for p in pops[1:]:
        wires.append(Projection(f"{p.name}=>innovation", "report", p.name, "innovation", "basal",
                                "one_to_one", offset=offset, carries="settled"))  # fmt: skip
        offset += p.size
    back = [
        Projection(f"output~>{p.name}", "feedback", "output", p.name, "apical") for p in pops[1:]
    ]
    even = 1.0 / math.sqrt(inputs)
    relayed: list[tuple[str, Carried, int, float]] = [("input", "activity", 0, even)]
    if hidden:
        pops.append(Population("innovation", offset, "innovation"))
        wires.append(Projection("novelty", "novelty", "innovation", "innovation", "lateral",
                                birth="zero"))  # fmt: skip
        relayed.append(("innovation", "settled", inputs, 1.0))
    for source, prior, start, scale in relayed:
        kind = "relay_input" if source == "input" else "relay_hidden"
        wires += [
            Projection(f"{source}=>association", kind, source, "association", "basal",
                       "one_to_one", scale=scale, offset=start),
            Projection(f"{source}=>association settled", kind, source, "association", "lateral",
                       "one_to_one", scale=scale, offset=start, carries=prior),
        ]  # fmt: skip
    wires += [
        Projection("lateral", "lateral", "association", "association", "lateral", birth="zero"),
        Projection("association->output", "readout", "association", "output", "basal",
                   birth="zero"),
    ]  # fmt: skip
    pops += [
        Population("association", inputs + offset, "association"),
        Population("output", outputs, "output"),
    ]
    return Circuit(tuple(pops), tuple(wires + back))
