"""What synapses deliver, whatever they store: measured at the cell that hears them.

A field that is called `weight` need not be what a synapse does. So one cell `j` of a population
says a little more and a little less than it did (or the most and the least that its population
ever says), and all fields of the cells `i` that hear it are read off. The difference, per unit of
what was said, is the *effective weight* `[i, j]`.

*The short way.* Everything else that cells say is held at what it was, and only what reads the
message itself is read off. Where all of that is the field that the audit takes for the weights, up
to one factor for each listening cell (its response, its gain), nothing else arrives that could be
made use of, and the field stands for what is delivered: it is known at all moments and without
rounding.

*The long way.* Where something else arrives, all that the two populations make of it within
themselves and their synapses follows, and the effective weights of every field count.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from metaplast.audit.anatomy import Bundle
from metaplast.audit.living import repeated
from metaplast.audit.places import Kind, Leaf
from metaplast.audit.replaced import ABREAST, STEPS, Replaced

if TYPE_CHECKING:
    from metaplast.audit.evidence import Evidence

TIMES = (2, 20, 60, 119)
"""Moments of a life at which effective weights are measured; the last one is its end."""
LEGIBLE = 300 * float(np.finfo(np.float32).eps)
"""A small change of what is heard, in units of its size, from which on it is more than rounding."""
ALIKE = 0.999
"""Cosine from which on a cell hears what the field says."""
STRAY = 0.02
"""Share of the listening cells that may hear something else, at a kink of their response."""
MOST = 16
"""Values of one cell in one field that are tried one by one."""


class Delivered(NamedTuple):
    """What one bundle delivers of one thing that is said, to one field of those who hear it."""

    said: str
    heard: str
    direct: bool
    """Whether the listeners read what is said; otherwise they read what its cell makes of it."""
    slight: bool
    """Whether a little more and less was said; otherwise the most and the least."""
    born: Float[np.ndarray, "births post pre"]
    lived: Float[np.ndarray, "lives times post pre"]
    explained: bool
    """Whether the field that holds the weights says the same."""
    values: tuple[int, int]
    """Which value of a cell is said, in its field, and which is heard."""


class Deliveries:
    """Effective weights of the bundles of one subject. Made by `Evidence.deliveries`."""

    def __init__(self, evidence: Evidence):
        self.evidence, self.reads = evidence, evidence.reads
        self.kept: dict[str, list[Delivered]] = {}
        self.said_it_all: dict[str, bool] = {}
        self.at_first_hand: dict[str, list[Delivered]] = {}
        self.moment = Replaced(self.reads, evidence.key)
        self.sampled: dict[bool, tuple[list, list, list]] = {}
        places = self.reads.places
        self.made = places.made
        self.given = places.leaves[: len(self.made)]  # the state before, in the same order
        # By leaf: who reads whom, within the moment and of what was before it.
        starts = [leaf.first for leaf in places.leaves if leaf.size]
        some = [n for n, leaf in enumerate(places.leaves) if leaf.size]
        by_column = np.logical_or.reduceat(self.reads.matrix, starts, 1)
        rows = [leaf.first - self.reads.first for leaf in self.made if leaf.size]
        whole = np.zeros((len(self.made), len(places.leaves)), bool)
        filled = [n for n, leaf in enumerate(self.made) if leaf.size]
        whole[np.ix_(filled, some)] = np.logical_or.reduceat(by_column, rows, 0)
        self.before = whole[:, : len(self.made)]
        self.now = whole[:, places.inputs :]
        # Who reads a value that is several fields, reads all of them.
        numbers = np.array(self.moment.program.outputs)
        for number in np.unique(np.sort(numbers)[1:][np.diff(np.sort(numbers)) == 0]):
            self.now[:, numbers == number] = self.now[:, numbers == number].any(1, keepdims=True)

    def of(self, bundle: Bundle) -> list[Delivered]:
        """What a bundle delivers beside what the field of its weights says; nothing where the
        field says it all, or where no listener reads anything that is said."""
        if bundle.name not in self.kept:
            self.kept[bundle.name] = (
                [] if self.stored(bundle) else list(self._all(bundle, short=False))
            )
        return self.kept[bundle.name]

    def stored(self, bundle: Bundle) -> bool:
        """Whether the field of the weights says all that listeners hear (the short way)."""
        if bundle.name not in self.said_it_all:
            self.said_it_all[bundle.name] = all(d.explained for d in self.directly(bundle))
        return self.said_it_all[bundle.name]

    def directly(self, bundle: Bundle) -> list[Delivered]:
        """All that a bundle delivers to the fields that read what is said themselves (the short
        way): in lives only, without births."""
        if bundle.name not in self.at_first_hand:
            self.at_first_hand[bundle.name] = list(self._all(bundle, short=True))
        return self.at_first_hand[bundle.name]

    def plainly(self, bundle: Bundle) -> bool:
        """Whether the field of the weights says at least what a listener hears at first hand."""
        delivered = self.of(bundle)
        return not delivered or any(d.explained and d.direct and d.slight for d in delivered)

    def _all(self, bundle: Bundle, short: bool) -> Iterator[Delivered]:
        for source, late, direct in self._said(bundle):
            if short and not direct:
                continue
            heard = self._heard(bundle, source, late, short)
            for element in range(min(self._inner(self.made[source]), MOST)):
                yield from self._measured(bundle, (source, late, direct), element, heard, short)

    # -- who says, and who hears -----------------------------------------------------

    def _said(self, bundle: Bundle) -> Iterator[tuple[int, bool, bool]]:
        """Fields of the cells that a bundle comes from which those at its end hear, at this
        moment or the next: position, whether as it was before, whether directly."""
        mine = self._once(self._cells(bundle.pre))
        listening = self._hearing(bundle)
        direct = {late: np.any(reads[listening], 0) for late, reads in self._both()}
        for late in (False, True):
            for position in mine:
                if direct[late][position] and not (late and self._kept(position)):
                    yield position, late, True
        if bundle.way != "feedback" or bundle.pre == bundle.post:
            return
        # What is said may be made of something else that its cell knows.
        said = [p for p in mine if direct[False][p]]
        for position in mine:
            if not direct[False][position] and np.any(self.now[said, position]):
                yield position, False, False

    def _both(self):
        return (False, self.now), (True, self.before)

    def _kept(self, position: int) -> bool:
        """Whether a field is handed on as it was: then it is heard under its present name."""
        program = self.moment.program
        return program.outputs[position] == program.inputs[position]

    def _hearing(self, bundle: Bundle) -> list[int]:
        """Fields of the cells at the end of a bundle, and of the synapses there that they read."""
        cells = self._cells(bundle.post)
        onto = [
            p for p, leaf in enumerate(self.made)
            if leaf.kind is Kind.SYNAPSE and self._bundle(leaf).post == bundle.post
            and self.now[cells, p].any()
        ]  # fmt: skip
        return cells + onto

    def _heard(self, bundle: Bundle, source: int, late: bool, short: bool) -> list[int]:
        """Fields of the cells at the end of a bundle that depend on what is said: through nobody
        but synapses, or else through the two populations and all synapses."""
        ends = set() if short else {bundle.pre, bundle.post}
        within = np.array([
            (leaf.kind is Kind.CELL and leaf.owner in ends) or leaf.kind is Kind.SYNAPSE
            for leaf in self.made
        ])  # fmt: skip
        cells = self._cells(bundle.post)
        if bundle.pre == bundle.post:
            reads = self.before if late else self.now
            return self._once([p for p in cells if reads[p, source] and p != source])
        reached = (self.before if late else self.now)[:, source] & within
        while True:
            more = reached | (self.now[:, reached].any(1) & within)
            if (more == reached).all():
                break
            reached = more
        if not short:
            return self._once([p for p in cells if reached[p]])
        straight = (self.before if late else self.now)[:, source]
        return self._once([p for p in cells if straight[p] or self.now[p, reached].any()])

    def _cells(self, population: str) -> list[int]:
        return [
            p for p, leaf in enumerate(self.made)
            if leaf.kind is Kind.CELL and leaf.owner == population and leaf.size
            and self.moment.numeric(p)
        ]  # fmt: skip

    def _once(self, positions: list[int]) -> list[int]:
        """The first of all fields that are the same value."""
        first: dict[int, int] = {}
        for position in positions:
            first.setdefault(self.moment.program.outputs[position], position)
        return [*first.values()]

    def _bundle(self, leaf: Leaf) -> Bundle:
        return self.reads.places.anatomy.bundle(leaf.owner)

    @staticmethod
    def _inner(leaf: Leaf) -> int:
        return int(np.prod(leaf.shape[1:], dtype=int))

    # -- what arrives ----------------------------------------------------------------

    def _measured(
        self, bundle: Bundle, said: tuple[int, bool, bool], element: int, heard: list[int],
        short: bool,
    ) -> Iterator[Delivered]:  # fmt: skip
        """What arrives of one value of one field, for every value of every field that hears it."""
        source, late, direct = said
        heard = [p for p in self.moment.listened if p in heard]
        if not heard:
            return
        weak, strong = self._arrives(bundle, source, late, element, heard, short)
        stored = self._stored(bundle, short)
        pre = self.reads.places.anatomy.group(bundle.pre).size
        told = f"{self.made[source].field} of {bundle.pre}"
        first = 0
        for position in heard:
            leaf = self.made[position]
            inner = self._inner(leaf)
            for part in range(min(inner, MOST)):
                columns = first + part + inner * np.arange(leaf.shape[0])
                small, large = (
                    np.swapaxes(all_[:, :, columns], 1, 2) * bundle.mask for all_ in (weak, strong)
                )  # [samples, post, pre]
                if bundle.pre == bundle.post:
                    small, large = (v * ~np.eye(pre, dtype=bool) for v in (small, large))
                name = f"{leaf.field} of {bundle.post}"
                for effect, slight in ((small, True), (large, False)):
                    if np.nan_to_num(effect).any() and not (short and not slight and small.any()):
                        explained = _explained(effect, stored)
                        yield Delivered(
                            told, name, direct, slight, *self._split(effect), explained,
                            (element, part),
                        )  # fmt: skip
            first += leaf.size

    def _range(self, source: int, element: int) -> np.ndarray:
        """Standard deviation, least and most of what a population says over lives."""
        leaf = self.made[source]
        values = self.evidence.leaf(source, self.evidence.lives)
        values = values.reshape(*values.shape[:2], leaf.shape[0], -1)[..., element].astype(float)
        values = values[np.isfinite(values)]
        if not values.size or values.min() == values.max():
            return np.array([1.0, -1.0, 1.0])
        least, most = np.quantile(values, (0.1, 0.9))
        if least == most:
            least, most = values.min(), values.max()
        return np.array([min(values.std(), 1e6), least, most])

    def _arrives(
        self, bundle: Bundle, source: int, late: bool, element: int, heard: list[int], short: bool
    ):
        """Changes of all fields `heard`, `[samples, cells, columns]`, per unit of a small change
        of what each cell says, and of a large one."""
        deviation, least, most = self._range(source, element)
        small = [step * deviation for step in STEPS] if self.moment.inexact(source) else []
        changes = [(sign * step, True) for step in small for sign in (1, -1)]
        said = self._said_otherwise(
            bundle, source, late, element, [*changes, (most, False), (least, False)], heard, short
        )
        with np.errstate(all="ignore"):
            weak = np.zeros_like(said[:, :, 0])
            for place, step in reversed(list(enumerate(small))):
                moved = said[:, :, 2 * place] - said[:, :, 2 * place + 1]
                # One value far from zero is known to its last digits only.
                size = np.abs(said).max((1, 2))[:, None]
                legible = np.abs(moved).max(1, keepdims=True) > LEGIBLE * size
                weak = np.where(legible, moved / (2 * step), weak)
            strong = (said[:, :, -2] - said[:, :, -1]) / (most - least)
        return weak, strong

    def _said_otherwise(
        self, bundle: Bundle, source: int, late: bool, element: int,
        changes: list[tuple[float, bool]], heard: list[int], short: bool,
    ) -> np.ndarray:  # fmt: skip
        """All fields `heard`, `[samples, cells, changes, columns]`, when one cell after the other
        says something else: more or less than it did, or something."""
        states, worlds, after = self._samples(short)
        program, cells = self.moment.program, self.made[source].shape[0]
        number = program.inputs[source] if late else program.outputs[source]
        ends = {bundle.pre, bundle.post} if bundle.pre != bundle.post else set()
        loose = {
            n: self.made[p].owner in ends and self.made[p].kind is Kind.CELL and n != number
            for n, p in self.moment.cut.items()
        }  # fmt: skip
        entering = dict(zip(program.inputs, [*states, *worlds], strict=False))
        entering.update((n, after[p]) for n, p in self.moment.cut.items())
        _, needed = self.moment.needed(short)
        parts = []
        for first in range(0, len(after[0]), ABREAST):
            several = cells * len(changes)
            given = []
            for n in needed:
                values = entering[n][first : first + ABREAST]
                many = repeated(values[:, None], several, 1)
                if n == number:
                    flat = many.reshape(ABREAST, cells, len(changes), cells, -1)
                    for cell in range(cells):
                        for place, (amount, more) in enumerate(changes):
                            was = flat[:, cell, place, cell, element]
                            new = was + amount if more else np.full_like(was, amount)
                            flat[:, cell, place, cell, element] = new.astype(was.dtype)
                given.append(many.reshape(-1, *values.shape[1:]))
            made = self.moment.heard(short, given, loose, heard)
            parts.append(made.reshape(ABREAST, cells, len(changes), -1))
        return np.concatenate(parts).astype(float)

    def _split(self, effect: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What was measured at births, and in lives."""
        lived = effect[:ABREAST]
        return effect[ABREAST:], lived.reshape(-1, len(TIMES), *lived.shape[1:])

    def _stored(self, bundle: Bundle, short: bool) -> list[np.ndarray]:
        """What the fields of the bundles between the same ends say, `[samples, post, pre]`."""
        states, _, _ = self._samples(short)
        found = []
        for name, position in self.reads.efficacies.items():
            other = self.reads.places.anatomy.bundle(name)
            if (other.pre, other.post) == (bundle.pre, bundle.post):
                values = np.asarray(states[position], float)
                values = values.reshape(*values.shape[:3], -1).sum(-1)
                found.append(values * other.mask)
        return [*found, np.sum(found, 0)] if len(found) > 1 else found

    def _samples(self, short: bool) -> tuple[list, list, list]:
        """States before a moment, what it brings, and the states after it: of all lives at some
        times, then of all births unless the way is short."""
        if short not in self.sampled:
            evidence, lived = self.evidence, jax.tree.leaves(self.evidence.lives)
            seen, lives = jax.tree.leaves(self.evidence.experiences), len(lived[0])

            def flat(leaf, times):
                return leaf[:, np.array(times)].reshape(lives * len(TIMES), *leaf.shape[2:])

            states = [flat(leaf, [t - 1 for t in TIMES]) for leaf in lived]
            worlds = [flat(leaf, TIMES) for leaf in seen]
            if not short:
                born = jax.tree.leaves(evidence.births)
                turn = np.arange(len(born[0]))
                states = [_joined(*both) for both in zip(states, born, strict=True)]
                first = [leaf[turn % lives, turn // lives] for leaf in seen]
                worlds = [_joined(*both) for both in zip(worlds, first, strict=True)]
            after = evidence.stepped(
                jax.tree.unflatten(jax.tree.structure(evidence.births), states),
                jax.tree.unflatten(jax.tree.structure(evidence.experiences), worlds),
            )
            self.sampled[short] = states, worlds, jax.tree.leaves(after)
        return self.sampled[short]


def _joined(one, other):
    both = (one, other)
    return np.concatenate(both) if all(isinstance(v, np.ndarray) for v in both) else (
        jnp.concatenate(both)
    )  # fmt: skip


def _explained(effect: np.ndarray, stored: list[np.ndarray]) -> bool:
    """Whether every cell hears, up to a factor of its own, what one of the fields says."""
    heard = np.nan_to_num(effect)
    size = np.sqrt((heard**2).sum(-1))
    rows = size > 1e-6 * size.max(initial=0.0)
    if not rows.any():
        return True
    return any(float((_likeness(heard, field)[rows] < ALIKE).mean()) <= STRAY for field in stored)


def _likeness(heard: np.ndarray, field: np.ndarray) -> Float[np.ndarray, "samples post"]:
    """Absolute cosine between rows; one where the field is not finite."""
    with np.errstate(all="ignore"):
        product = (heard * field).sum(-1)
        cosine = np.abs(product) / np.sqrt((heard**2).sum(-1) * (field**2).sum(-1))
    return np.where(np.isfinite(field).all(-1), np.nan_to_num(cosine), 1.0)
