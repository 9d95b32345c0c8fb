"""What the checks look at: proofs and lives of one subject, made once and shared by all."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np

from metaplast.audit.delivered import Deliveries
from metaplast.audit.intervention import INTERVENTIONS
from metaplast.audit.living import (
    ABREAST,
    NOTHING,
    Lives,
    Moment,
    alike,
    compiled,
    fetch,
    is_number,
    joined,
)
from metaplast.audit.places import Kind, Leaf, Places
from metaplast.audit.reads import Reads
from metaplast.audit.subject import DEEP, LARGE, LONG, Subject, answers, world

MOMENTS = 120
"""Length of a sampled life; longer than the horizon that learners are told."""
LIVES = ABREAST
BIRTHS = 64


class Evidence:
    """Proofs and lives of one subject. Remembers what was asked of it, in `consulted`."""

    def __init__(self, subject: Subject, seed: int = 0):
        self._subject, self._seed, self._key = subject, seed, jax.random.key(seed)
        self.consulted: list[str] = []
        self._kept: dict[Any, Any] = {}

    @property
    def subject(self) -> Subject:
        """The subject; looking at its type or its spec is looking at evidence, too."""
        self._note("subject")
        return self._subject

    @property
    def reads(self) -> Reads:
        """Who reads whom within a moment, proven."""
        return self._once("reads", lambda: Reads(self._subject))

    @property
    def births(self) -> Any:
        """States of `BIRTHS` newborns, stacked, as NumPy arrays."""
        self._note("births")
        return self._births

    @property
    def lives(self) -> Any:
        """States after every moment of `LIVES` lives, NumPy arrays `[lives, moments, ...]`; they
        are those of the first `LIVES` of `births`."""
        return self.lives_under(NOTHING)

    def lives_under(self, intervention: str) -> Any:
        """The same lives under one of `INTERVENTIONS`, or under `nothing`.

        Nothing can be done to a learner that gets a whole life at once (`intervenes`)."""
        self._note(f"lives under {intervention}")
        return self._lives if self._subject.life is not None else self._lives.under(intervention)

    @property
    def intervenes(self) -> bool:
        """Whether moments can be changed from within."""
        self._note("subject")
        return self._subject.life is None

    def touched(self, intervention: str) -> list[int]:
        """Positions of the flat outputs that an intervention changes."""
        return self._moment.positions[INTERVENTIONS[intervention].onto]

    def accuracy(self, intervention: str = NOTHING) -> float:
        """Mean online accuracy over the second half of the sampled lives."""
        return float(self.accuracies(intervention).mean())

    def accuracies(self, intervention: str = NOTHING) -> np.ndarray:
        """Online accuracy over the second half of every sampled life, `[lives]`."""
        named = answers(self._subject, self.lives_under(intervention))
        half = MOMENTS // 2
        right = named[:, half:] == np.asarray(self.experiences["target"])[:, half:]
        return right.mean(1)

    def stepped(self, states: Any, experiences: Any) -> Any:
        """The states `[cases, ...]` one moment later, all with the same random key.

        Args:
            states: leaves `[cases, ...]`.
            experiences: leaves `[cases, ...]`.
        """
        self._note("single moments")
        moment, parts = self._moment, []
        flat, world = jax.tree.leaves(states), jax.tree.leaves(experiences)
        cases = flat[0].shape[0]
        keys = alike(self._key, ABREAST)
        for first in range(0, cases, ABREAST):
            # The last ones are repeated until the call is full.
            chosen = np.minimum(np.arange(first, first + ABREAST), cases - 1)
            now = jax.tree.unflatten(
                jax.tree.structure(experiences), [np.asarray(leaf)[chosen] for leaf in world]
            )
            packed = moment.packed([leaf[chosen] for leaf in flat])
            parts.append(moment(packed, now, keys, *moment.neutral()))
        after = {d: joined([part[d] for part in parts])[:cases] for d in parts[0]}
        leaves = moment.unpacked(after)
        return jax.tree.unflatten(jax.tree.structure(states), leaves)

    @property
    def experiences(self) -> Any:
        """What the sampled lives experienced: `{"stimulus": [lives, moments, inputs], ...}`."""
        self._note("experiences")
        return self._worlds

    def sane(self, moment: int) -> np.ndarray:
        """Which of the sampled lives have not exploded at a moment, `[lives]`: all that was
        finite at birth still is."""
        sane = np.ones(LIVES, bool)
        pairs = zip(jax.tree.leaves(self.births), jax.tree.leaves(self.lives), strict=True)
        for born, lived in pairs:
            if is_number(born.dtype):
                before, now = (np.asarray(v, float) for v in (born[:LIVES], lived[:, moment]))
                still = np.isfinite(now) | ~np.isfinite(before)
                sane &= still.reshape(LIVES, -1).all(1)
        return sane

    def grown(self, which: str = "large") -> Evidence | None:
        """Evidence on the same learner at another scale (`large`, `deep`, `long`), if there is."""
        resized = self._subject.resized
        if resized is None:
            self._note(f"no {which} instance")
            return None
        scale = {"large": LARGE, "deep": DEEP, "long": LONG}[which]
        return self._once(which, lambda: Evidence(resized(scale)))

    @property
    def deliveries(self) -> Deliveries:
        """What synapses deliver, measured at the cells that hear them."""
        return self._once("deliveries", lambda: Deliveries(self))

    @property
    def key(self) -> Any:
        """The random key of all single moments."""
        self._note("single moments")
        return self._key

    def messages(self) -> list[int]:
        """Positions of the flat outputs that cells send to others: read by a cell of another
        population, or by another cell of their own, at the same moment or at the next one; be it
        by way of what a synapse makes of it (`Reads.listeners`)."""
        reads = self.reads
        p, listener = reads.places, reads.listeners[:, None]
        same = (listener == p.owner) & (p.post[reads.rows, None] == p.post)
        sent = (reads.matrix & (listener >= 0) & (p.kind == Kind.CELL) & ~same).any(0)
        # The state comes first among what the step is given, in the order in which it returns it.
        return [
            n for n, (now, before) in enumerate(zip(p.made, p.leaves, strict=False))
            if sent[now.numbers].any() or sent[before.numbers].any()
        ]  # fmt: skip

    def shown(self, position: int) -> bool:
        """Whether a field is what the world shows input cells: theirs, and made of nothing but the
        stimulus, noise and themselves, be it by way of an interneuron, at any moment."""
        reads = self.reads
        p, count = reads.places, len(reads.rows)
        entrance = p.anatomy.input.name
        if p.made[position].owner != entrance:
            return False
        own = (p.kind == Kind.KEY) | p.where(kind=Kind.WORLD, owner="stimulus")
        for group in p.anatomy.groups:
            if entrance in (group.name, group.interneuron_of):
                own |= p.where(kind=Kind.CELL, owner=group.name)
        reached = np.zeros(count, bool)
        reached[p.made[position].first - reads.first :][: p.made[position].size] = True
        while True:
            read = np.asarray(reads.matrix[reached].any(0))
            # What is carried comes first among the places, in the order of what is made.
            more = reached | read[:count] | read[reads.first :]
            if (more == reached).all():
                return not (read & ~own).any()
            reached = more

    @property
    def fields(self) -> list[Leaf]:
        """The arrays of a state, in flat order: whose they are, and their shapes. Cheap: the step
        is not looked at."""
        subject = self.subject
        state = jax.eval_shape(subject.born, self._key)
        return Places(subject.anatomy, (state, {}, None), state).made

    def weights(self, states: Any) -> dict[str, np.ndarray]:
        """Weights `[..., post, pre]` by projection, from states such as `births` or `lives`; what
        a synapse has more than one of is summed. See `Reads.efficacies`."""
        found = {}
        for name, position in self.reads.efficacies.items():
            leaf, made = self.leaf(position, states), self.reads.places.made[position]
            within = tuple(range(leaf.ndim - len(made.shape) + 2, leaf.ndim))
            found[name] = leaf.sum(within, dtype=np.float64) if within else leaf
        return found

    def leaf(self, position: int, states: Any) -> np.ndarray:
        """The flat output at a position, from states such as `lives`; random keys as the numbers
        that they are made of, along a last axis."""
        values = jax.tree.leaves(states)[position]
        return np.asarray(values if is_number(values.dtype) else jax.random.key_data(values))

    @functools.cached_property
    def _births(self):
        born = jax.vmap(self._subject.born)
        many = self._compiled(lambda key: born(jax.random.split(key, BIRTHS)))
        return jax.tree.map(fetch, many(self._key))

    @functools.cached_property
    def _worlds(self):
        one = jax.vmap(lambda key: world(self._subject, MOMENTS, key))
        many = self._compiled(lambda key: one(jax.random.split(jax.random.fold_in(key, 1), LIVES)))
        return jax.tree.map(np.asarray, many(self._key))

    @functools.cached_property
    def _moment(self) -> Moment:
        return Moment(self.reads, self.messages())

    @functools.cached_property
    def _lives(self):
        """Lives by intervention, or the lives of a learner that gets them as a whole."""
        newborn = jax.tree.map(lambda leaf: leaf[:LIVES], self._births)
        several = (LIVES, MOMENTS)
        many = self._compiled(lambda key: jax.random.split(jax.random.fold_in(key, 2), several))
        keys = many(self._key)
        if self._subject.life is None:
            return Lives(self._moment, newborn, self._worlds, keys, self._seed)
        given = (newborn, self._worlds, keys[:, 0])
        return jax.tree.map(fetch, compiled(jax.vmap(self._subject.life), *given)(*given))

    def _compiled(self, function):
        """A function of the random key: what it makes of the key is one program, too."""
        return compiled(function, self._key)

    def _once(self, name: str, make):
        self._note(name)
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def _note(self, name: str) -> None:
        if name not in self.consulted:
            self.consulted.append(name)
