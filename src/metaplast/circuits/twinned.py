"""Layers whose ways back become the transposed ways forth, from the first moments on."""

from __future__ import annotations

import itertools

from metaplast.circuits.anatomy import Circuit, Population, Projection
from metaplast.source import Source

SOURCE: Source = Source(
    "Kolen & Pollack", 1994, "Backpropagation without weight transport",
    "10.1109/ICNN.1994.374486",
)  # fmt: skip


def twinned(inputs: int, hidden: tuple[int, ...], outputs: int) -> Circuit:
    r"""The deep network of backprop, where every way forth has a twin that learns to say the same.

    Kolen and Pollack's feedback synapses change as the forward synapses do, and so come to mirror
    what these have *learned*; what they were *born* with is forgotten only as fast as both leak.
    Here nothing has to be forgotten. Beside the way forth $W$, born random, runs a twin $M$, born
    zero, over which each cell hears a guess at its own drive (at its lateral site). What the guess
    lacks, $f = W y - M y$, is known to that cell, and $M$ and the way back $B$, born zero as well,
    both change by the product of $f$ (and of the error, by which $W$ changes) with what the cell
    below offers. So $B = M^\top$ at every moment, and $M$ becomes $W$: at once along what has
    been said below, and later along the rest. Until then, what comes back is the gradient, less
    what lies where nobody has been.

    Every hidden cell has a relay cell, which says the same to the layer above, hears what comes
    back, and hands it on. Relay cells of a layer have lateral synapses, each onto itself as well,
    zero at birth: with `Decorrelated` relay cells the twin learns by recursive least squares, and
    where nothing holds that back, by a prior or by other steps, it is done after as many moments
    as the layer has cells. Input cells have lateral synapses as well.

    Args:
        inputs: input cells.
        hidden: cells of every hidden layer.
        outputs: output cells, one a class.

    Kinds: populations `input`, `hidden`, `relay`, `relay_readout` (those that the output cells
    hear), `output`; projections `forward`, `readout`, `twin`, `feedback`, `lateral_input`,
    `lateral`, and `relay` and `relay_back`, one to one.

    References: Kolen & Pollack (1994) doi:10.1109/ICNN.1994.374486; Akrout et al. (2019)
    arXiv:1904.05391. The twin is ours.
    """
    layers = [Population("input", inputs, "input")]
    layers += [Population(f"hidden{i + 1}", n, "hidden") for i, n in enumerate(hidden)]
    layers += [Population("output", outputs, "output")]
    pops, wires = [layers[0]], [_among(layers[0], "lateral_input")]
    for below, p in itertools.pairwise(layers):
        kind = "forward" if p.kind == "hidden" else "readout"
        source = pops[-1]
        wires.append(Projection(f"{below.name}->{p.name}", kind, source.name, p.name, "basal"))
        if below.kind == "hidden":
            wires += [
                Projection(f"{below.name}=>{p.name}", "twin", source.name, p.name, "lateral",
                           birth="zero"),
                Projection(f"{p.name}~>{below.name}", "feedback", p.name, source.name, "apical",
                           birth="zero"),
            ]  # fmt: skip
        pops.append(p)
        if p.kind == "hidden":
            last = p is layers[-2]
            relay = Population(f"{p.name}_relay", p.size, "relay_readout" if last else "relay")
            pops.append(relay)
            wires += [
                Projection(f"{p.name}->{relay.name}", "relay", p.name, relay.name, "basal",
                           "one_to_one"),
                Projection(f"{relay.name}~>{p.name}", "relay_back", relay.name, p.name, "apical",
                           "one_to_one"),
                _among(relay, "lateral"),
            ]  # fmt: skip
    return Circuit(tuple(pops), tuple(wires))


def _among(p: Population, kind: str) -> Projection:
    return Projection(f"{p.name}->{p.name}", kind, p.name, p.name, "lateral", birth="zero")
