"""Dale's law: cells that excite, and cells that inhibit."""

from __future__ import annotations

import itertools
import math

from metaplast.circuits.anatomy import Circuit, Population, Projection
from metaplast.source import Source

SOURCE: Source = Source(
    "Cornford, Kalajdzievski, Leite, Lamarquette, Kullmann & Richards", 2021,
    "Learning to live with Dale's principle: ANNs with separate excitatory and inhibitory units",
    "10.1101/2020.11.02.364968",
)  # fmt: skip
MEAN = math.sqrt(2.0 / math.pi)
"""Mean size of a standard normal number."""


def excitatory_inhibitory(
    inputs: int, hidden: tuple[int, ...], outputs: int, share: float = 0.2
) -> Circuit:
    r"""Excitatory cells from layer to layer, and inhibitory ones ahead of every layer.

    Inhibitory cells hear the layer below and inhibit the layer above within the moment:
    $v = W^{EX} x - W^{EI} W^{IX} x$ where all weights have the declared sign for life, whatever
    the rule. At birth inhibition equals excitation on average, as after a layer normalization.
    Feedback comes from excitatory cells over weights that can only excite.

    Where we deviate from Cornford et al.: inhibitory cells hear no errors, so their synapses learn
    from what they themselves can tell (or not at all); their divisive inhibition is left out;
    learning is not scaled by population.

    Args:
        inputs: input cells; their activity should not be negative.
        hidden: excitatory cells of every hidden layer.
        outputs: output cells, one a class.
        share: inhibitory cells ahead of a layer, as a share of its cells; one at least.

    Kinds: populations `input`, `inhibitory`, `hidden`, `output`; projections `forward`, `readout`,
    `recruiting` (onto inhibitory cells), `inhibiting` (from them), `feedback`.

    References: Cornford et al. (2021) ICLR, doi:10.1101/2020.11.02.364968.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share = {share}: expected more than 0 and at most 1; give 0.2")
    layers = [Population("input", inputs, "input")]
    layers += [Population(f"hidden{i + 1}", n, "hidden") for i, n in enumerate(hidden)]
    layers += [Population("output", outputs, "output")]
    pops, wires = layers[:1], []
    for below, p in itertools.pairwise(layers):
        inner = Population(f"{p.name}_inhibitory", math.ceil(share * p.size), "inhibitory")
        pops += [inner, p]
        kind = "forward" if p.kind == "hidden" else "readout"
        even = 1.0 / (MEAN * math.sqrt(inner.size))
        wires += [
            Projection(f"{below.name}->{inner.name}", "recruiting", below.name, inner.name,
                       "basal", sign=1),
            Projection(f"{inner.name}->{p.name}", "inhibiting", inner.name, p.name, "basal",
                       scale=even, sign=-1),
            Projection(f"{below.name}->{p.name}", kind, below.name, p.name, "basal", sign=1),
        ]  # fmt: skip
        if below.kind == "hidden":
            wires.append(Projection(f"{p.name}~>{below.name}", "feedback", p.name, below.name,
                                    "apical", sign=1))  # fmt: skip
    return Circuit(tuple(pops), tuple(wires))
