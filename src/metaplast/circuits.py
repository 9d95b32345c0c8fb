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
Carried = Literal["activity", "settled", "message"]


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
    birth: Literal["random", "zero"] = "random"
    """Weights at birth; random ones are normal with variance 1 / fan-in."""
    scale: float = 1.0
    """Efficacy that anatomy fixes, such as 1 / fan-in."""
    offset: int = 0
    of: str = ""
    carries: Carried = "activity"
    """What of the pre-synaptic cell travels: its activity, what it settled at, or (the
    default where the site is apical) its message."""

    def __post_init__(self) -> None:
        if self.site == "apical":
            object.__setattr__(self, "carries", "message")


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

    @property
    def random_synapses(self) -> int:
        """How many weights are drawn at birth."""
        return sum(self.size(q.post) * self.size(q.pre) for q in self.dense if q.birth == "random")


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


def hierarchical(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    feedback: Literal["plastic", "symmetric"] = "plastic",
) -> Circuit:
    """Linear components in order, each of which learns from what those before leave unexplained.

    Every component is a population of one cell and hears the stimulus over relay cells of its own,
    which settle at the remainder: that of the component before, less what that component sends
    over its inhibitory projection. All components drive the output cells.

    Args:
        inputs: input cells.
        hidden: one number, that of the components: a population for each, so few of them.
        outputs: output cells.
        feedback: `plastic`, over synapses of their own, zero at birth; `symmetric`, over the
            transposed forward weights: the control that cheats.

    Kinds: populations `input`, `remainder`, `hidden`, `output`; projections `relay`, `forward`,
    `explain`, `readout`.

    References: Sanger (1989) doi:10.1016/0893-6080(89)90044-0.
    """
    if len(hidden) != 1:
        raise ValueError(f"hidden = {hidden}: expected one number, that of the components")
    pops, wires = [Population("input", inputs, "input")], []
    for i in range(1, hidden[0] + 1):
        rest, last, one = f"remainder{i}", f"remainder{i - 1}", f"component{i}"
        source: tuple[str, Carried] = ("input", "activity") if i == 1 else (last, "settled")
        pops += [Population(rest, inputs, "remainder"), Population(one, 1, "hidden")]
        wires += [
            Projection(f"input=>{rest}", "relay", "input", rest, "basal", "one_to_one"),
            Projection(f"{source[0]}=>{rest} settled", "relay", source[0], rest, "lateral",
                       "one_to_one", carries=source[1]),
            Projection(f"{rest}->{one}", "forward", rest, one, "basal"),
            Projection(f"{one}->output", "readout", one, "output", "basal", birth="zero"),
        ]  # fmt: skip
        if i > 1:
            before = f"component{i - 1}"
            own = feedback == "plastic"
            wires.append(
                Projection(f"{before}~>{rest}", "explain", before, rest, "lateral",
                           "dense" if own else "transpose", "zero", 1.0 if own else -1.0,
                           of="" if own else f"{last}->{before}")
            )  # fmt: skip
    pops.append(Population("output", outputs, "output"))
    return Circuit(tuple(pops), tuple(wires))


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
        raise ValueError(f"prior = {prior}: expected a positive number; give 1.0")
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
        raise ValueError(f"prior = {prior}: expected a positive number; give 1.0")
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
