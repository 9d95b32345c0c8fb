"""What the checks look at: proofs and lives of one subject, made once and shared by all."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.audit.intervention import Replacement, replaced
from metaplast.audit.places import Kind
from metaplast.audit.reads import Reads
from metaplast.audit.subject import DEEP, LARGE, Subject, answers, world

MOMENTS = 120
"""Length of a sampled life; longer than the horizon that learners are told."""
LIVES = 4
BIRTHS = 64
LEVELS = 26
"""Distinguishable strengths of a synapse: Bartol et al. (2015) doi:10.7554/eLife.10778."""
NOISE, LOST = 0.1, 0.1
"""Standard deviation of the noise on messages, and share of the synapses lost."""
WEIGHT = "weight"
"""The field of a projection that holds its synapses' weights."""


class Evidence:
    """Proofs and lives of one subject. Remembers what was asked of it, in `consulted`."""

    def __init__(self, subject: Subject, seed: int = 0):
        self._subject, self._key = subject, jax.random.key(seed)
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
        keys = jax.random.split(self._key, BIRTHS)
        return self._once(
            "births", lambda: jax.device_get(jax.jit(jax.vmap(self._subject.born))(keys))
        )

    @property
    def lives(self) -> Any:
        """States after every moment of `LIVES` lives: leaves `[lives, moments, ...]`."""
        return self.lives_under("nothing")

    def lives_under(self, intervention: str) -> Any:
        """The same lives under one of `INTERVENTIONS`, or under `nothing`."""
        self._note(f"lives under {intervention}")
        modes = ("nothing", *INTERVENTIONS)
        return jax.tree.map(lambda leaf: leaf[modes.index(intervention)], self._all_lives)

    def accuracy(self, intervention: str = "nothing") -> float:
        """Mean online accuracy over the second half of the sampled lives."""
        named = answers(self._subject, self.lives_under(intervention))
        half = MOMENTS // 2
        right = named[:, half:] == np.asarray(self.experiences["target"])[:, half:]
        return float(right.mean())

    @property
    def experiences(self) -> Any:
        """What the sampled lives experienced: `{"stimulus": [lives, moments, inputs], ...}`."""
        return self._once("experiences", lambda: jax.vmap(self._world)(self._life_keys))

    def grown(self, which: str = "large") -> Evidence | None:
        """Evidence on the same learner at another scale (`large` or `deep`), if it has others."""
        if self._subject.resized is None:
            self._note(f"no {which} instance")
            return None
        scale = {"large": LARGE, "deep": DEEP}[which]
        return self._once(which, lambda: Evidence(self._subject.resized(scale)))

    def messages(self) -> list[int]:
        """Positions of the flat outputs that cells send to others: read by a cell of another
        population, or by another cell of their own."""
        reads = self.reads
        p, matrix = reads.places, reads.matrix
        across = (p.kind[reads.rows, None] == Kind.CELL) & (p.kind == Kind.CELL)
        across &= ~reads.same_owner
        sent = (matrix & across).any(0)
        return [n for n, leaf in enumerate(p.made) if sent[leaf.numbers].any()]

    def leaf(self, position: int, states: Any) -> np.ndarray:
        """The flat output at a position, from states such as `lives`."""
        return np.asarray(jax.tree.leaves(states)[position])

    @functools.cached_property
    def _life_keys(self):
        return jax.random.split(jax.random.fold_in(self._key, 1), LIVES)

    def _world(self, key):
        return world(self._subject, MOMENTS, jax.random.fold_in(key, 0))

    @functools.cached_property
    def _all_lives(self):
        """States `[1 + interventions, lives, moments, ...]`, as one program: compiling it takes
        longer than living."""
        subject = self._subject
        changes = [] if subject.life else [make(self) for make in INTERVENTIONS.values()]

        def one(mode, key):
            state, experience = subject.born(jax.random.fold_in(key, 1)), self._world(key)
            if subject.life is not None:
                return subject.life(state, experience, key)

            def moment(state, seen):
                index, seen = seen
                noise = jax.random.fold_in(jax.random.fold_in(key, 2), index)
                state = self._step(changes, mode, key, state, seen, noise)
                return state, state

            return jax.lax.scan(moment, state, (jnp.arange(MOMENTS), experience))[1]

        modes = jnp.arange(len(INTERVENTIONS) + 1)
        many = jax.vmap(jax.vmap(one, (None, 0)), (0, None))
        quick = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else {}
        program = jax.jit(many, compiler_options=quick)
        return jax.device_get(program(modes, self._life_keys))

    def _step(self, changes, mode, life_key, state, seen, key):
        """One moment in which the values that the intervention number `mode` names are changed."""
        wanted: dict[int, list] = {}
        for number, change in enumerate(changes, 1):
            for position, make in change.items():
                wanted.setdefault(position, []).append((number, make))

        def replacement(position: int, makers: list) -> Replacement:
            keys = (jax.random.fold_in(key, position), jax.random.fold_in(life_key, position))

            def changed(value):
                for number, make in makers:
                    value = jnp.where(mode == number, make(value, *keys), value)
                return value

            return changed

        replacements = {p: replacement(p, makers) for p, makers in wanted.items()}
        flat = replaced(self.reads.program, replacements)(*jax.tree.leaves((state, seen, key)))
        return jax.tree.unflatten(jax.tree.structure(state), flat)

    def _once(self, name: str, make):
        self._note(name)
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def _note(self, name: str) -> None:
        if name not in self.consulted:
            self.consulted.append(name)


Change = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
"""`(value, key of the moment, key of the life) -> value`."""


def coarse(value, key, life_key):
    """The value at `LEVELS` levels between minus and plus its largest size, rounded up or down
    at random, so that small changes are not lost altogether."""
    del life_key
    step = 2 * jnp.max(jnp.abs(value)) / (LEVELS - 1) + 1e-30
    return jnp.floor(value / step + jax.random.uniform(key, value.shape)) * step


def noisy(value, key, life_key):
    """The value with multiplicative noise."""
    del life_key
    return value * (1.0 + NOISE * jax.random.normal(key, value.shape, value.dtype))


def thinned(value, key, life_key):
    """The value with a share of its elements at zero, the same ones all life long."""
    del key
    return value * jax.random.bernoulli(life_key, 1.0 - LOST, value.shape).astype(value.dtype)


def _weights(evidence: Evidence) -> list[int]:
    """Positions of the flat outputs that are synaptic weights."""
    made = evidence.reads.places.made
    return [
        n for n, leaf in enumerate(made)
        if leaf.kind is Kind.SYNAPSE and len(leaf.shape) == 2 and leaf.field == WEIGHT
    ]  # fmt: skip


def _on(positions: Callable[[Evidence], list[int]], change: Change):
    return lambda evidence: dict.fromkeys(positions(evidence), change)


INTERVENTIONS: dict[str, Callable[[Evidence], dict[int, Change]]] = {
    "coarse weights": _on(_weights, coarse),
    "noisy messages": _on(Evidence.messages, noisy),
    "lost synapses": _on(_weights, thinned),
}
"""By name, what to change: a function of the evidence, to changes by position of flat output."""
