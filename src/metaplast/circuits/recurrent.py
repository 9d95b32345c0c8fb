"""Hidden cells that hear what they said the moment before."""

from __future__ import annotations

from typing import Literal

from metaplast.circuits.anatomy import Circuit, Projection
from metaplast.circuits.choices import checked
from metaplast.circuits.layered import layered
from metaplast.source import Source

SOURCE: Source = Source("Elman", 1990, "Finding structure in time", "10.1016/0364-0213(90)90002-E")


@checked
def recurrent(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    feedback: Literal["random", "direct", "symmetric", "none"] = "random",
) -> Circuit:
    r"""A layered network whose hidden populations have plastic synapses onto themselves.

    They deliver the activity of the moment before, $v_t = W x_t + R\, y_{t-1}$, and a rule sees at
    them the pre-synaptic cell as it was then, so that Hebbian plasticity stores which activity
    follows which. A cell keeps itself for one moment, as a part of its state.

    Lateral synapses (`decorrelating`, `associative`) are another thing: they end at the lateral
    site, deliver what cells say now, and the population settles within the moment. Cells with
    lateral synapses have no past; cells with recurrent ones do.

    Args:
        inputs: input cells.
        hidden: cells of every hidden layer.
        outputs: output cells, one a class.
        feedback: as in `layered`.

    Kinds: those of `layered`, and the projections `recurrent`.

    References: Elman (1990) doi:10.1016/0364-0213(90)90002-E.
    """
    whole = layered(inputs, hidden, outputs, feedback)
    own = tuple(
        Projection(f"{p.name}->{p.name}", "recurrent", p.name, p.name, "basal", delay=1)
        for p in whole.populations
        if p.kind == "hidden"
    )
    return Circuit(whole.populations, whole.projections + own)
