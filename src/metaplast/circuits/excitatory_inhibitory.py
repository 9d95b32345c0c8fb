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
UNIT = 1.0 / math.sqrt(1.0 - 2.0 / math.pi)
"""Efficacy with which the sizes of normal numbers vary as much as these numbers do."""


def excitatory_inhibitory(
    inputs: int, hidden: tuple[int, ...], outputs: int, share: float = 0.2
) -> Circuit:
    r"""Excitatory cells from layer to layer, and inhibitory ones ahead of every layer.

    Inhibitory cells hear the layer below and inhibit the layer above within the moment:
    $v = W^{EX} x - W^{EI} W^{IX} x$ where all weights have the declared sign for life, whatever
    the rule. At birth every cell is inhibited by the mean of what excites the inhibitory ones,
    which takes the mean from its own excitation, as a layer normalization would. Feedback comes
    from excitatory cells over weights that can only excite.

    Inhibitory cells say about the same, and much of it: so let their synapses learn at a tenth of
    the rate of the others, or not at all.

    Where we deviate from Cornford et al.: inhibitory cells hear no errors, so synapses onto them
    learn from what these can tell (or not at all); their divisive inhibition is left out.

    Args:
        inputs: input cells. Where their activity can be negative, what they excite is inhibited
            then; Dale's law is about weights.
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
        wires += [
            Projection(f"{below.name}->{inner.name}", "recruiting", below.name, inner.name,
                       "basal", sign=1),
            Projection(f"{inner.name}->{p.name}", "inhibiting", inner.name, p.name, "basal",
                       birth="even", scale=UNIT, sign=-1),
            Projection(f"{below.name}->{p.name}", kind, below.name, p.name, "basal",
                       scale=UNIT, sign=1),
        ]  # fmt: skip
        if below.kind == "hidden":
            wires.append(Projection(f"{p.name}~>{below.name}", "feedback", p.name, below.name,
                                    "apical", sign=1))  # fmt: skip
    return Circuit(tuple(pops), tuple(wires))
