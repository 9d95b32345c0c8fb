"""Who may hear whom: the populations of a learner, and the bundles of wires between them.

A state names its anatomy, so that a function of somebody who never heard of this package can be
audited (`subject.from_function`):

| name of a projection | meaning |
|---|---|
| `a->b` | synapses from every cell of `a` onto every cell of `b`, the driving way |
| `a~>b` | the same, the way of feedback |
| `a=>b` | wires without weights: cell i to cell i, or all where one end is a single cell |

Anything after a blank in a name tells two bundles with the same ends apart.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Literal

import numpy as np
from jaxtyping import Bool

Way = Literal["driving", "feedback", "lateral", "wire"]
ARROWS: dict[str, Way] = {"->": "driving", "~>": "feedback", "=>": "wire"}
NAME = re.compile(r"^(?P<pre>[^\s~=>-]+)(?P<arrow>->|~>|=>)(?P<post>[^\s~=>-]+)(\s.*)?$")
APART = re.compile(r"[\s~=>-]")
"""What tells the names of populations apart in that of a projection, and is in none of theirs."""


class AnatomyError(ValueError):
    """A state whose names do not make an anatomy; the text says what to change."""


@dataclasses.dataclass(frozen=True)
class Group:
    """A population, as the audit sees it."""

    name: str
    size: int
    interneuron_of: str = ""
    """The population that this single cell pools, if it does nothing else."""


@dataclasses.dataclass(frozen=True, eq=False)
class Bundle:
    """Wires from one population to another: who hears whom, cell by cell."""

    name: str
    pre: str
    post: str
    way: Way
    mask: Bool[np.ndarray, "post pre"]
    weighted: bool = True

    @property
    def relays(self) -> bool:
        """Wires from every cell of one population to its own cell of another one."""
        return self.way == "wire" and np.array_equal(self.mask, np.eye(len(self.mask)))


@dataclasses.dataclass(frozen=True)
class Anatomy:
    """Populations, the first one the input and the last one the output, and their bundles."""

    groups: tuple[Group, ...]
    bundles: tuple[Bundle, ...]

    def group(self, name: str) -> Group:
        return next(g for g in self.groups if g.name == name)

    def bundle(self, name: str) -> Bundle:
        return next(b for b in self.bundles if b.name == name)

    @property
    def input(self) -> Group:
        return self.groups[0]

    @property
    def output(self) -> Group:
        """The last population that is no interneuron."""
        return [g for g in self.groups if not g.interneuron_of][-1]

    @property
    def feedback(self) -> tuple[Bundle, ...]:
        """Bundles that lead back: those that are called so, and driving ones that end at a
        population which a stimulus reaches before it reaches the one that they come from. What
        leads back by way of wires only a traced program shows: `Reads.feedback`."""
        names = [g.name for g in self.groups]
        return tuple(
            b for b in self.bundles
            if b.way == "feedback"
            or (b.way == "driving" and names.index(b.post) < names.index(b.pre))
        )  # fmt: skip

    def relayed(self, name: str) -> set[str]:
        """Populations whose cells reach those of another one over relays, one by one."""
        found, front = set(), {name}
        while front:
            front = {b.pre for b in self.bundles if b.relays and b.post in front} - found - {name}
            found |= front
        return found

    def partners(self, name: str) -> list[str]:
        """A population, and then those whose cells are relayed to its own, or the other way."""
        others = self.relayed(name) | {g.name for g in self.groups if name in self.relayed(g.name)}
        return [name, *(g.name for g in self.groups if g.name in others - {name})]

    def leads(self, start: str, end: str) -> bool:
        """Whether there is a way from one population to a later one, as the state is written, that
        passes synapses."""
        names = [g.name for g in self.groups]
        weighted: dict[str, bool] = {start: False}
        for place, name in enumerate(names):
            into = [
                b.weighted or weighted[b.pre] for b in self.bundles
                if b.post == name and b.pre in weighted and b.way in ("driving", "wire")
                and names.index(b.pre) < place
            ]  # fmt: skip
            if into:
                weighted[name] = weighted.get(name, False) or any(into)
        return start != end and weighted.get(end, False)

    def hears(self, post: str, pre: str) -> np.ndarray:
        """Bool `[post, pre]`: which cells of one population may hear which of another."""
        heard = np.zeros((self.group(post).size, self.group(pre).size), bool)
        for b in self.bundles:
            if b.post == post and b.pre == pre:
                heard |= b.mask
        return heard


def parsed(sizes: dict[str, int], projections: dict[str, bool]) -> Anatomy:
    """The anatomy of a state that names its populations and projections.

    Args:
        sizes: cells by population, in the order in which a stimulus reaches them.
        projections: whether it has weights, by name of projection.

    Raises:
        AnatomyError: a name that is not understood, or ends that do not exist.
    """
    if len(sizes) < 2:
        raise AnatomyError(
            f"state['populations'] has {list(sizes)}: expected an input and an output at least"
        )
    for name in sizes:
        if not name or APART.search(name):
            raise AnatomyError(
                f"population {name!r}: expected a name without '-', '~', '=', '>' and blanks, by "
                f"which names of projections are read; call it {APART.sub('_', name) or 'input'!r}"
            )
    bundles = []
    for name, weighted in projections.items():
        found = NAME.match(name)
        if not found:
            raise AnatomyError(
                f"projection {name!r}: expected a name such as 'input->hidden', 'output~>hidden' "
                "(feedback) or 'hidden=>pool' (wires without weights)"
            )
        pre, post, arrow = found["pre"], found["post"], found["arrow"]
        for end in (pre, post):
            if end not in sizes:
                raise AnatomyError(
                    f"projection {name!r}: no population {end!r}; there are {list(sizes)}"
                )
        way = "lateral" if pre == post and arrow == "->" else ARROWS[arrow]
        mask = np.ones((sizes[post], sizes[pre]), bool)
        if way == "wire" and 1 not in mask.shape:
            if sizes[post] != sizes[pre]:
                raise AnatomyError(
                    f"projection {name!r}: wires go from cell i to cell i, but the sizes are "
                    f"{sizes[pre]} and {sizes[post]}"
                )
            mask = np.eye(sizes[post], dtype=bool)
        bundles.append(Bundle(name, pre, post, way, mask, weighted))
    return Anatomy(tuple(Group(n, s) for n, s in sizes.items()), tuple(bundles))
