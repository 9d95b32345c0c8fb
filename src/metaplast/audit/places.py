"""Everything that information can come from or go to, numbered: the places of a learner.

A *place* is one number in a learner's state (before the moment, or now), in what it experiences,
or its random key. Its *owner* is the cell, the synapse or the broadcast that it belongs to.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

import jax
import numpy as np

from metaplast.audit.anatomy import Anatomy
from metaplast.audit.subject import path_name


class Kind(enum.IntEnum):
    """What a place belongs to."""

    CELL = 0
    SYNAPSE = 1
    BROADCAST = 2
    WORLD = 3
    KEY = 4


class Leaf(NamedTuple):
    """One array of places."""

    kind: Kind
    owner: str
    """Population, projection, broadcast, or field of the experience."""
    field: str
    shape: tuple[int, ...]
    now: bool
    """Computed at this moment; otherwise what the moment began with."""
    first: int
    """Number of its first place."""

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    @property
    def numbers(self) -> slice:
        return slice(self.first, self.first + self.size)


class Places:
    """The places of one moment: state, experience and key before it, state after it.

    Attributes:
        leaves: in the order of the flat inputs of a step, then of its flat outputs.
        kind, owner, post, pre, leaf, now: one entry for each place. `owner` numbers populations,
            projections, broadcasts or experiences; `post` is the cell, or the post-synaptic cell
            of a synapse, and `pre` its pre-synaptic cell (-1 where there is none).
    """

    def __init__(self, anatomy: Anatomy, inputs, outputs):
        self.anatomy = anatomy
        self.leaves: list[Leaf] = []
        state, experience, _ = inputs
        self._add_state(state, now=False)
        for path, leaf in jax.tree_util.tree_leaves_with_path(experience):
            self._add(Kind.WORLD, path_name(path), "", leaf.shape, False)
        self._add(Kind.KEY, "key", "", (), False)
        self.inputs = len(self.leaves)
        self._add_state(outputs, now=True)
        self.count = self.leaves[-1].first + self.leaves[-1].size
        self._index()

    @property
    def made(self) -> list[Leaf]:
        """The leaves that the step computes."""
        return self.leaves[self.inputs :]

    def where(self, **wanted) -> np.ndarray:
        """Bool over places: those with the given kind, owner name, field or now."""
        found = np.zeros(self.count, bool)
        for leaf in self.leaves:
            if all(getattr(leaf, k) == v for k, v in wanted.items()):
                found[leaf.numbers] = True
        return found

    def describe(self, place: int) -> str:
        """A place in words, such as `weight of synapse hidden1->hidden2 [3, 1]`."""
        leaf = self.leaves[self.leaf[place]]
        index = [int(i) for i in np.unravel_index(place - leaf.first, leaf.shape)]
        when = "" if leaf.now or leaf.kind in (Kind.WORLD, Kind.KEY) else ", as it was before"
        if leaf.kind is Kind.CELL:
            return f"{leaf.field} of cell {leaf.owner}{index}{when}"
        if leaf.kind is Kind.SYNAPSE:
            return f"{leaf.field} of synapse {leaf.owner}{index}{when}"
        if leaf.kind is Kind.BROADCAST:
            return f"broadcast {leaf.owner}{index or ''}{when}"
        return f"the {leaf.owner}{index or ''}" if leaf.kind is Kind.WORLD else "the random key"

    def _add_state(self, state, now: bool) -> None:
        kinds = {
            "broadcast": Kind.BROADCAST,
            "populations": Kind.CELL,
            "projections": Kind.SYNAPSE,
        }
        # Sections and names come in the order in which JAX flattens dictionaries.
        for path, leaf in jax.tree_util.tree_leaves_with_path(state):
            section, owner, *rest = path
            kind = kinds[section.key]
            self._add(kind, owner.key, path_name(tuple(rest)), leaf.shape, now)

    def _add(self, kind: Kind, owner: str, field: str, shape, now: bool) -> None:
        first = self.leaves[-1].first + self.leaves[-1].size if self.leaves else 0
        self.leaves.append(Leaf(kind, owner, field, tuple(shape), now, first))

    def _index(self) -> None:
        self.kind = np.zeros(self.count, np.int8)
        self.now = np.zeros(self.count, bool)
        self.leaf, self.owner, self.post, self.pre = (np.full(self.count, -1) for _ in range(4))
        names = {
            Kind.CELL: [g.name for g in self.anatomy.groups],
            Kind.SYNAPSE: [b.name for b in self.anatomy.bundles],
        }
        for number, leaf in enumerate(self.leaves):
            span = leaf.numbers
            self.kind[span], self.now[span], self.leaf[span] = leaf.kind, leaf.now, number
            if leaf.kind in names:
                self.owner[span] = names[leaf.kind].index(leaf.owner)
            if leaf.shape:
                where = np.indices(leaf.shape).reshape(len(leaf.shape), -1)
                self.post[span] = where[0]
            if leaf.kind is Kind.SYNAPSE:
                self.pre[span] = where[1]
