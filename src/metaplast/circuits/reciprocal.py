"""Ways back that learn to mirror the ways forth."""

from __future__ import annotations

import dataclasses

from metaplast.circuits.anatomy import Circuit
from metaplast.circuits.layered import layered
from metaplast.source import Source

SOURCE: Source = Source(
    "Akrout, Wilson, Humphreys, Lillicrap & Tweed", 2019,
    "Deep learning without weight transport", "10.48550/arXiv.1904.05391",
)  # fmt: skip


def reciprocal(inputs: int, hidden: tuple[int, ...], outputs: int) -> Circuit:
    """A layered network whose feedback synapses are meant to be plastic.

    Anatomy is that of `layered` with random feedback. What differs are the kinds: a way back from
    the output cells is of another kind than those between hidden layers, as the ways forth are.
    So each can have the rate and the decay of the way forth that it mirrors: `Delta` and `Decay`
    there, `Reciprocal` here (Kolen & Pollack), or `Mirror` (the weight mirror).

    Kinds: those of `layered`, with `feedback_readout` for what comes from the output cells and
    `feedback` for the rest.

    References: Kolen & Pollack (1994) doi:10.1109/ICNN.1994.374486; Akrout et al. (2019)
    arXiv:1904.05391.
    """
    whole = layered(inputs, hidden, outputs, "random")
    named = tuple(
        dataclasses.replace(q, kind="feedback_readout")
        if q.kind == "feedback" and q.pre == whole.output.name
        else q
        for q in whole.projections
    )
    return Circuit(whole.populations, named)
