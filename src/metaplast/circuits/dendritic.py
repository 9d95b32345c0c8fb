"""The dendritic microcircuit: interneurons foresee what comes from above."""

from __future__ import annotations

import itertools
from typing import Literal

from metaplast.circuits.anatomy import Circuit, Population, Projection
from metaplast.circuits.choices import checked
from metaplast.source import Source

SOURCE: Source = Source(
    "Sacramento, Ponte Costa, Bengio & Senn", 2018,
    "Dendritic cortical microcircuits approximate the backpropagation algorithm",
    "10.48550/arXiv.1810.11393",
)  # fmt: skip


@checked
def dendritic(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    birth: Literal["foreseeing", "random"] = "foreseeing",
) -> Circuit:
    r"""Pyramidal cells with two compartments, and interneurons that silence the apical one.

    Every hidden layer has one interneuron for each cell of the layer above. It is driven by the
    hidden cells (`predicting`), pulled by its cell above (`teaching`, one to one), and inhibits the
    apical dendrites of the hidden cells (`cancelling`), onto which the layer above projects
    (`feedback`). What the interneurons foresee is cancelled; what is left is an error.

    A moment is one sweep up and one sweep down. Up, somata and interneurons answer to what comes
    from below; apical dendrites are heard on the way down only, and say what they made of it to the
    layers below. So the circuit does not settle, as the paper's does: a hidden cell's apical
    potential does not change what the cells above are driven by at that moment.

    Args:
        inputs: input cells.
        hidden: pyramidal cells of every hidden layer.
        outputs: output cells, one a class.
        birth: `foreseeing`: born as the paper's, interneurons predict the layer above and cancel
            it exactly, so that apical dendrites are silent as long as nobody teaches; `random`.

    Kinds: populations `input`, `hidden`, `interneuron`, `interneuron_output` (those that foresee
    output cells), `output`; projections `forward`, `readout`, `feedback`, `predicting`, `teaching`,
    `cancelling`.

    References: Sacramento et al. (2018) NeurIPS, arXiv:1810.11393.
    """
    layers = [Population("input", inputs, "input")]
    layers += [Population(f"hidden{i + 1}", n, "hidden") for i, n in enumerate(hidden)]
    layers += [Population("output", outputs, "output")]
    pops, wires, local = [layers[0]], [], []
    for below, p in itertools.pairwise(layers):
        forth = f"{below.name}->{p.name}"
        kind = "forward" if p.kind == "hidden" else "readout"
        wires.append(Projection(forth, kind, below.name, p.name, "basal"))
        if below.kind == "hidden":
            kind = "interneuron" if p.kind == "hidden" else "interneuron_output"
            inner = Population(f"{below.name}_interneurons", p.size, kind)
            pops.append(inner)
            back = f"{p.name}~>{below.name}"
            known = birth == "foreseeing"
            wires.append(Projection(back, "feedback", p.name, below.name, "apical"))
            local += [
                Projection(f"{below.name}->{inner.name}", "predicting", below.name, inner.name,
                           "basal", birth="copied" if known else "random", of=forth),
                Projection(f"{p.name}=>{inner.name}", "teaching", p.name, inner.name, "apical",
                           "one_to_one"),
                Projection(f"{inner.name}~>{below.name}", "cancelling", inner.name, below.name,
                           "apical", birth="opposite" if known else "random", of=back),
            ]  # fmt: skip
        pops.append(p)
    return Circuit(tuple(pops), tuple(wires + local))
