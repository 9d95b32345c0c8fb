"""Anatomy, as data: which populations there are and which projections connect them.

A circuit holds no numbers that a search could touch and no behavior. Populations and
projections name a *kind*; the genome says what cells and synapses of that kind do. So
one genome fits circuits of any depth and width, and wiring is data that functions
such as `layered` return, never a subclass per architecture.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Literal

Site = Literal["basal", "lateral", "apical"]
Wiring = Literal["dense", "one_to_one", "transpose"]


@dataclasses.dataclass(frozen=True)
class Population:
    """A group of cells of one kind."""

    name: str
    size: int
    kind: str
    after: str = ""
    """A population whose interneuron tells this one's how mature it is, if any."""


@dataclasses.dataclass(frozen=True)
class Projection:
    """A bundle of synapses from one population onto one site of another."""

    name: str
    kind: str
    """Names the plasticity rule and the gain; a kind without a rule is not plastic."""
    pre: str
    post: str
    site: Site
    wiring: Wiring = "dense"
    """`one_to_one` relays cell i to cell `offset + i` and has no weights; `transpose`
    borrows the weights of the projection `of`: weight transport, the control that cheats."""
    birth: Literal["random", "zero", "identity"] = "random"
    """Weights at birth; random ones are normal with variance 1 / fan-in."""
    scale: float = 1.0
    """Efficacy that anatomy fixes, such as 1 / fan-in."""
    offset: int = 0
    of: str = ""


@dataclasses.dataclass(frozen=True)
class Circuit:
    """Populations in the order in which a stimulus reaches them, and their projections.

    The first population is the input, the last one the output.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]

    def __post_init__(self) -> None:
        names = [p.name for p in self.populations]
        if len(set(names)) != len(names) or len(names) < 2:
            raise ValueError(
                f"populations = {names}: expected two or more different names; rename or add one"
            )
        for p in self.populations:
            if p.size < 1:
                raise ValueError(f"population {p.name!r}: size = {p.size}, expected 1 or more")
        for q in self.projections:
            for end in (q.pre, q.post):
                if end not in names:
                    raise ValueError(
                        f"projection {q.name!r}: {end!r} is no population; there are {names}"
                    )

    @property
    def input(self) -> Population:
        return self.populations[0]

    @property
    def output(self) -> Population:
        return self.populations[-1]

    def size(self, name: str) -> int:
        """Number of cells of the population `name`."""
        return next(p.size for p in self.populations if p.name == name)

    def onto(self, name: str, site: Site) -> tuple[Projection, ...]:
        """The projections that arrive at one site of the population `name`."""
        return tuple(q for q in self.projections if q.post == name and q.site == site)

    @property
    def dense(self) -> tuple[Projection, ...]:
        """The projections that own a weight matrix."""
        return tuple(q for q in self.projections if q.wiring == "dense")


def layered(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    feedback: Literal["random", "direct", "symmetric", "none"] = "random",
) -> Circuit:
    r"""A feed-forward network of any depth and width, with feedback of its own.

    `random`: each layer hears the layer above over its own fixed weights (feedback
    alignment); `direct`: each hidden layer hears the output cells (direct feedback
    alignment); `symmetric`: the transposed forward weights, the control that cheats;
    `none`: hidden layers hear nothing.

    Kinds: populations `input`, `hidden`, `output`; projections `forward`, `readout`
    (the last forward one), `feedback`.

    References: Lillicrap et al. (2016) doi:10.1038/ncomms13276; Nøkland (2016)
    arXiv:1609.01596.
    """
    pops = [Population("input", inputs, "input")]
    pops += [Population(f"hidden{i + 1}", n, "hidden") for i, n in enumerate(hidden)]
    pops += [Population("output", outputs, "output")]
    forward = [
        Projection(f"{a.name}->{b.name}", "forward" if b.kind == "hidden" else "readout",
                   a.name, b.name, "basal")
        for a, b in itertools.pairwise(pops)
    ]  # fmt: skip
    back = []
    for below, above, through in zip(pops[1:-1], pops[2:], forward[1:], strict=True):
        source = pops[-1] if feedback == "direct" else above
        name = f"{source.name}~>{below.name}"
        if feedback == "symmetric":
            back.append(Projection(name, "feedback", source.name, below.name, "apical",
                                   "transpose", of=through.name))  # fmt: skip
        elif feedback != "none":
            back.append(Projection(name, "feedback", source.name, below.name, "apical"))
    return Circuit(tuple(pops), tuple(forward + back))


def associative(
    inputs: int, hidden: tuple[int, ...], outputs: int, depth_share: float = 0.25
) -> Circuit:
    """Fast association beside slow credit: a layered path whose every stage is relayed
    to one association area, which alone drives the output cells.

    The association area has plastic lateral synapses onto itself, so its cells can
    settle at a decorrelated activity; each hidden layer hears the output cells over its
    own fixed random weights.

    Kinds: populations `input`, `hidden`, `association`, `output`; projections `forward`,
    `relay_input`, `relay_hidden`, `lateral`, `readout`, `feedback`.
    """
    pops = [Population("input", inputs, "input")]
    for i, n in enumerate(hidden):
        # Layers mature one after the other, so that none stores codes that still change.
        pops.append(Population(f"hidden{i + 1}", n, "hidden", f"hidden{i}" if i else ""))
    total = sum(p.size for p in pops)
    chain = []
    for below, p in itertools.pairwise(pops):
        share = 1.0 if below is pops[0] else depth_share
        chain.append(Projection(f"{below.name}->{p.name}", "forward", below.name, p.name, "basal",
                                birth="zero", scale=share / below.size))  # fmt: skip
        if share < 1.0:
            chain.append(Projection(f"input->{p.name}", "skip", "input", p.name, "basal",
                                    birth="zero", scale=(1.0 - share) / inputs))  # fmt: skip
    relays, offset = [], 0
    for p in pops:
        relays.append(
            Projection(f"{p.name}=>association", f"relay_{p.kind}", p.name, "association",
                       "basal", "one_to_one", scale=1.0 / math.sqrt(p.size), offset=offset)
        )  # fmt: skip
        offset += p.size
    ends = [
        Projection("lateral", "lateral", "association", "association", "lateral", birth="identity"),
        Projection("association->output", "readout", "association", "output", "basal",
                   birth="zero"),
    ]  # fmt: skip
    back = [
        Projection(f"output~>{p.name}", "feedback", "output", p.name, "apical") for p in pops[1:]
    ]
    pops += [
        Population("association", total, "association"),
        Population("output", outputs, "output"),
    ]
    return Circuit(tuple(pops), tuple(chain + relays + ends + back))
