"""Anatomy, as data: which populations there are and which projections connect them.

A circuit holds no numbers that a search could touch and no behavior. Populations and
projections name a *kind*; the genome says what cells and synapses of that kind do. So
one genome fits circuits of any depth and width, and wiring is data that functions
such as `layered` return, never a subclass per architecture.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

Site = Literal["basal", "lateral", "apical"]
Wiring = Literal[
    "dense", "sparse", "others", "local", "shared", "one_to_one", "transpose", "signs", "backward"
]
Carried = Literal["activity", "settled", "message"]
Birth = Literal["random", "zero", "even", "copied", "opposite"]

BELOW, ABOVE = "the layer below", "the layer above"
"""In the place of a population: a layer's neighbors, where several layers are one population."""

BORROWED = ("one_to_one", "transpose", "signs")
"""Wiring without weights of its own."""

RETURNING = ("transpose", "signs", "backward")
"""Wiring that runs back along the synapses of another projection."""


@dataclasses.dataclass(frozen=True)
class Population:
    """A group of cells of one kind."""

    name: str
    size: int
    kind: str
    after: str = ""
    """A population whose interneuron tells this one's how mature it is, if any."""
    grid: tuple[int, int, int] | None = None
    """Rows, columns and cells at each place, where the cells lie in two dimensions: numbered place
    by place, row by row."""
    members: tuple[str, ...] = ()
    """Names of its layers, where several that are alike are one population (`stacks.stacked`)."""
    rounds: int = 1
    """How often its lateral synapses deliver, and its cells settle, within a moment."""


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
    """`dense`: everybody hears everybody. `sparse`: a share `density` of them, drawn from `seed`.
    `others`: everybody but itself. `local`: the cells of a `patch` of places. `shared`: the same,
    with one weight for all places. `one_to_one` relays cell i to cell `offset + i` and has no
    weights. Three run back along the synapses of the projection `of`: `transpose` borrows its
    weights and `signs` their signs, all of the size that `of` is born with (1 / sqrt(fan-in)):
    weight transport, the controls that cheat; `backward` has weights of its own, shared where
    those of `of` are, stored and born as these."""
    birth: Birth = "random"
    """Weights at birth; random ones are normal with variance 1 / fan-in, even ones all 1 / fan-in,
    either with the declared sign, where there is one. `copied` and `opposite` ones are those of
    the projection `of`, or these with the other sign."""
    scale: float = 1.0
    """Efficacy that anatomy fixes, such as 1 / fan-in."""
    offset: int = 0
    of: str = ""
    carries: Carried = "activity"
    """What of the pre-synaptic cell travels: its activity, what it settled at, or (the
    default where the site is apical) its message."""
    sign: Literal[-1, 0, 1] = 0
    """1 where every synapse excites and -1 where every one inhibits, from birth on and whatever
    the plasticity: weights stop at zero. 0 where both may be."""
    delay: Literal[0, 1] = 0
    """1 where what arrives left its cell the moment before. Its synapses see that cell as it was
    then."""
    density: float = 1.0
    seed: int = 0
    patch: int = 1
    """Side of the square of places that a cell hears (or of as many places as there are)."""
    stride: int = 1
    members: tuple[str, ...] = ()
    """Names of the projections onto every layer, where several layers are one population."""
    chain: Literal["", "below", "above"] = ""
    """Whether every layer hears the one below or above it; `pre` is then whom the first or the last
    one hears."""

    def __post_init__(self) -> None:
        if self.site == "apical":
            object.__setattr__(self, "carries", "message")
        if not 0 < self.density <= 1:
            raise ValueError(
                f"density = {self.density}: expected more than 0 and at most 1; give 0.2"
            )
        if self.sign not in (-1, 0, 1):
            raise ValueError(f"sign = {self.sign}: expected 1 (excites), -1 (inhibits) or 0 (both)")
        if self.delay not in (0, 1):
            raise ValueError(f"delay = {self.delay}: expected 0 or 1 moments")

    @property
    def source(self) -> str:
        """The name under which a moment keeps the cells that it comes from."""
        if self.chain:
            return BELOW if self.chain == "below" else ABOVE
        return before(self.pre) if self.delay else self.pre

    @property
    def tabled(self) -> bool:
        """Whether not everybody hears everybody, so that a table says who hears whom."""
        return self.wiring in ("sparse", "others", "local", "shared")


@dataclasses.dataclass(frozen=True)
class Circuit:
    """Populations in the order in which a stimulus reaches them, and their projections.

    The first population is the input, the last one the output.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]

    def __post_init__(self) -> None:
        names = [p.name for p in self.populations]
        place = {n: i for i, p in enumerate(self.populations) for n in (p.name, *p.members)}
        if len(set(names)) != len(names) or len(names) < 2:
            raise ValueError(
                f"populations = {names}: expected two or more different names; rename or add one"
            )
        for p in self.populations:
            if p.size < 1:
                raise ValueError(f"population {p.name!r}: size = {p.size}, expected 1 or more")
            if p.grid and p.grid[0] * p.grid[1] * p.grid[2] != p.size:
                raise ValueError(
                    f"population {p.name!r}: size = {p.size}, but its grid {p.grid} holds another "
                    "number of cells"
                )
            if p.rounds < 1:
                raise ValueError(f"population {p.name!r}: rounds = {p.rounds}, expected 1 or more")
        for number, q in enumerate(self.projections):
            for end in (q.pre, q.post):
                if end not in place:
                    raise ValueError(
                        f"projection {q.name!r}: {end!r} is no population; there are {names}"
                    )
            self._check(q, number, place[q.post] - place[q.pre])

    def _check(self, q: Projection, number: int, ahead: int) -> None:
        """Refuse a projection that cannot be."""
        if not q.delay and ahead < {"basal": 1, "lateral": 0}.get(q.site, ahead):
            raise ValueError(
                f"projection {q.name!r}: {q.pre!r} has not fired yet when {q.post!r} hears it; "
                "give delay = 1"
            )
        if q.wiring == "others" and q.pre != q.post:
            raise ValueError(
                f"projection {q.name!r}: wiring = 'others' is for cells of one population, not for "
                f"{q.pre!r} and {q.post!r}"
            )
        if q.wiring in ("local", "shared"):
            for end in (q.pre, q.post):
                _grid(self[end])
        if q.wiring in RETURNING:
            of = next((o for o in self.weighted if o.name == q.of), None)
            start, end = self.size(q.post), self.size(q.pre)
            if (
                of is None
                or of.wiring in RETURNING
                or (self.size(of.pre), self.size(of.post)) != (start, end)
            ):
                raise ValueError(
                    f"projection {q.name!r}: of = {q.of!r} is no projection from {start} to {end} "
                    "cells with weights of its own; name one"
                )
        if q.birth in ("copied", "opposite"):
            of = next((o for o in self.dense if o.name == q.of), None)
            if of is None or of not in self.projections[:number]:
                raise ValueError(
                    f"projection {q.name!r}: of = {q.of!r} is no dense projection, or a later one"
                )

    def __getitem__(self, name: str) -> Population:
        return next(p for p in self.populations if name in (p.name, *p.members))

    @property
    def input(self) -> Population:
        return self.populations[0]

    @property
    def output(self) -> Population:
        return self.populations[-1]

    def size(self, name: str) -> int:
        """Number of cells of the population `name`."""
        return self[name].size

    def onto(self, name: str, site: Site) -> tuple[Projection, ...]:
        """The projections that arrive at one site of the population `name`."""
        return tuple(q for q in self.projections if q.post == name and q.site == site)

    def toward(self, name: str) -> tuple[Projection, ...]:
        """The projections that arrive at the population `name`."""
        return tuple(q for q in self.projections if q.post == name)

    @property
    def dense(self) -> tuple[Projection, ...]:
        """The projections that own a matrix of weights, of everybody to everybody."""
        return tuple(q for q in self.projections if q.wiring == "dense")

    @property
    def weighted(self) -> tuple[Projection, ...]:
        """The projections that own weights."""
        return tuple(q for q in self.projections if q.wiring not in BORROWED)

    @property
    def remembered(self) -> tuple[str, ...]:
        """The populations whose cells are kept for a moment, for synapses that deliver late."""
        return tuple(dict.fromkeys(q.pre for q in self.projections if q.delay))

    @property
    def heard(self) -> frozenset[str]:
        """Names of the layers that some projection, or interneuron, hears."""
        return frozenset(q.pre for q in self.projections) | {p.after for p in self.populations}

    def along(self, q: Projection) -> Projection:
        """The projection along whose synapses this one runs: itself, where it does not return."""
        if q.wiring not in RETURNING:
            return q
        return next(o for o in self.projections if o.name == q.of)

    def senders(self, q: Projection):
        """Whom each cell hears over a projection with a table: integers `[post, fan_in]`."""
        from metaplast.circuits import wiring  # NumPy, which plain anatomy does without

        pre, post = self[q.pre], self[q.post]
        if q.wiring == "sparse":
            return wiring.drawn(post.size, pre.size, q.density, q.seed, q.name)
        if q.wiring == "others":
            return wiring.others(post.size)
        below = _grid(pre)
        patch = (min(q.patch, below[0]), min(q.patch, below[1]))
        return wiring.patches(below, _grid(post), patch, q.stride)

    def cells_at_a_place(self, q: Projection) -> int:
        """How many cells in a row hear the same ones: those of one place, or one."""
        return _grid(self[q.post])[2] if q.wiring in ("local", "shared") else 1

    def returns(self, q: Projection):
        """Where to find what arrives at each sender, were a projection with a table to run back:
        integers `[pre, most]`, numbers of the synapses of all places, row by row. Who has fewer is
        given the number after the last."""
        from metaplast.circuits import wiring

        return wiring.turned(self.senders(q)[:: self.cells_at_a_place(q)], self.size(q.pre))

    def synapses(self, q: Projection) -> tuple[int, int]:
        """Cells that hear, and synapses of each: `(post, fan_in)`; those of the projection that
        this one runs back along."""
        q = self.along(q)
        return self.senders(q).shape if q.tabled else (self.size(q.post), self.size(q.pre))

    def shape(self, q: Projection) -> tuple[int, int]:
        """Shape of the weights: of the synapses, or of one place's where all places share them."""
        q = self.along(q)
        post, fan_in = self.synapses(q)
        return (_grid(self[q.post])[2] if q.wiring == "shared" else post, fan_in)

    @property
    def random_synapses(self) -> int:
        """How many weights are drawn at birth."""
        shapes = [self.shape(q) for q in self.weighted if q.birth == "random"]
        return sum(rows * fan_in for rows, fan_in in shapes)


def before(population: str) -> str:
    """The name under which a moment keeps the cells of a population as they were before."""
    return f"{population} before"


def _grid(p: Population) -> tuple[int, int, int]:
    if p.grid is None:
        raise ValueError(f"population {p.name!r}: grid = None: its projections need one")
    return p.grid


def seen_by(
    grid: tuple[int, int, int], patch: int, stride: int, cells: int
) -> tuple[int, int, int]:
    """The grid of the places at each of which `cells` cells look at one patch of `grid`."""
    rows, columns = ((side - min(patch, side)) // stride + 1 for side in grid[:2])
    return rows, columns, cells


def square(size: int) -> tuple[int, int]:
    """Rows and columns of the most square grid of `size` places."""
    rows = next(n for n in range(math.isqrt(size), 0, -1) if size % n == 0)
    return rows, size // rows
