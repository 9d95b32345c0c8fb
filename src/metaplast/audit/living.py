"""Sampled lives, with or without something being done to every moment of them.

One program is compiled: a single moment of several lives at once. It serves all lives, under all
interventions, and single moments from states that a check makes up. What is random about an
intervention is given to it as numbers. It is compiled for a quick compilation, not for a quick
life: small networks live for milliseconds and are compiled for seconds.
"""

from __future__ import annotations

import functools
import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.audit.intervention import CHANGES, INTERVENTIONS, replaced
from metaplast.audit.reads import Reads

NOTHING = "nothing"
ABREAST = 8
"""Lives in one call of the compiled moment."""


class Moment:
    """One moment of `ABREAST` lives, compiled.

    Args:
        reads: the traced step.
        messages: positions of the flat outputs that cells send to others.
    """

    def __init__(self, reads: Reads, messages: list[int]):
        self.program = reads.program
        made = reads.places.made
        self.shapes = [leaf.shape for leaf in made]
        self.sizes = [leaf.size for leaf in made]
        self.dtypes = [str(aval.dtype) for aval in reads.program.out_avals]
        dtypes = [aval.dtype for aval in reads.program.out_avals]
        # What is only true or not has no noise, but a synapse of it can be lost.
        self.positions = {
            "weights": [p for p in reads.efficacies.values() if is_number(dtypes[p])],
            "messages": [p for p in messages if jnp.issubdtype(dtypes[p], jnp.number)],
        }
        self.touched: dict[str, list[int]] = {
            change: sorted(
                {p for i in INTERVENTIONS.values() if i.change == change
                 for p in self.positions[i.onto]}
            )
            for change in CHANGES
        }  # fmt: skip

    def neutral(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Numbers `[ABREAST, values]` and reaches `[ABREAST, leaves]` that change nothing."""
        return (
            {c: np.ones((ABREAST, self.width(ps)), np.float32) for c, ps in self.touched.items()},
            {c: np.zeros((ABREAST, len(ps)), np.float32) for c, ps in self.touched.items()},
        )

    def width(self, positions: list[int]) -> int:
        """Values of the leaves at some positions."""
        return sum(self.sizes[p] for p in positions)

    def __call__(self, packed, experience, keys, numbers, reach) -> dict[str, jax.Array]:
        """The packed states `[ABREAST, values]` after the moment."""
        given = (packed, experience, keys, numbers, reach)
        if not hasattr(self, "_compiled"):
            self._compiled = compiled(jax.vmap(self._one), *given)
        return self._compiled(*given)

    def _one(self, packed, experience, key, numbers, reach):
        changes: dict[int, list] = {}
        for name, positions in self.touched.items():
            first = 0
            for place, p in enumerate(positions):
                mine = numbers[name][first : first + self.sizes[p]].reshape(self.shapes[p])
                changes.setdefault(p, []).append((CHANGES[name], mine, reach[name][place]))
                first += self.sizes[p]

        state = self.unpacked(packed)

        def changed(position, value):
            for change, mine, farthest in changes[position]:
                value = as_stored(change(value, mine, farthest, state[position]), value)
            return value

        replacements = {p: functools.partial(changed, p) for p in changes}
        run = replaced(self.program, replacements, carried=len(state))
        return self.packed(run(*state, *jax.tree.leaves(experience), key))

    def packed(self, flat: list) -> dict[str, Any]:
        """All leaves in one array a type, after any common leading axes: hundreds of arrays
        compile slowly, and are slow to hand on."""
        by_type: dict[str, list] = {}
        for value, dtype, shape in zip(flat, self.dtypes, self.shapes, strict=True):
            lead = value.shape[: value.ndim - len(shape)]
            by_type.setdefault(dtype, []).append(value.reshape(*lead, -1))
        return {dtype: of(values).concatenate(values, -1) for dtype, values in by_type.items()}

    def unpacked(self, packed: dict[str, Any]) -> list:
        """The inverse of `packed`."""
        leaves, taken = [], dict.fromkeys(packed, 0)
        for dtype, shape, size in zip(self.dtypes, self.shapes, self.sizes, strict=True):
            values = packed[dtype][..., taken[dtype] : taken[dtype] + size]
            leaves.append(values.reshape(*values.shape[:-1], *shape))
            taken[dtype] += size
        return leaves


class Lives:
    """Lives of one learner, from given births through given experiences.

    Args:
        moment: of the learner.
        births: states `[ABREAST, ...]`.
        experiences: `[ABREAST, moments, ...]`.
        keys: random keys `[ABREAST, moments]`.
        seed: of what interventions draw.
    """

    def __init__(self, moment: Moment, births, experiences, keys, seed: int):
        self.moment, self.births, self.seed = moment, births, seed
        self.experiences, self.keys = experiences, keys
        self.kept: dict[str, Any] = {}

    def under(self, intervention: str) -> Any:
        """States `[lives, moments, ...]` under one of `INTERVENTIONS`, or under `nothing`."""
        if intervention not in self.kept:
            self.kept[intervention] = self._lived(*self._plan(intervention))
        return self.kept[intervention]

    def _lived(self, numbers, reach):
        structure = jax.tree.structure(self.births)
        packed, seen = self.moment.packed(jax.tree.leaves(self.births)), []
        for t in range(self.keys.shape[1]):
            now = jax.tree.map(lambda leaf, t=t: leaf[:, t], self.experiences)
            drawn = {change: drawn[:, t] for change, drawn in numbers.items()}
            packed = self.moment(packed, now, self.keys[:, t], drawn, reach)
            seen.append({dtype: fetch(values) for dtype, values in packed.items()})
        stacked = {d: of([m[d] for m in seen]).stack([m[d] for m in seen], 1) for d in seen[0]}
        return jax.tree.unflatten(structure, self.moment.unpacked(stacked))

    def _plan(self, intervention: str):
        """What an intervention draws, one number for every value that a change may touch, and
        the reach of every leaf that it touches."""
        moments = self.keys.shape[1]
        neutral, reach = self.moment.neutral()
        numbers = {c: np.repeat(n[:, None], moments, 1) for c, n in neutral.items()}
        if intervention == NOTHING:
            return numbers, reach
        plan = INTERVENTIONS[intervention]
        undisturbed = jax.tree.leaves(self.under(NOTHING))
        rng = np.random.default_rng([zlib.crc32(intervention.encode()), self.seed])
        first = 0
        for place, p in enumerate(self.moment.touched[plan.change]):
            size = self.moment.sizes[p]
            if p in self.moment.positions[plan.onto]:
                drawn = [plan.draw(rng, moments, size) for _ in range(ABREAST)]
                numbers[plan.change][:, :, first : first + size] = drawn
                whole = np.abs(np.asarray(undisturbed[p], float))
                sizes = np.nan_to_num(whole, posinf=0.0).reshape(ABREAST, -1)
                reach[plan.change][:, place] = sizes.max(1, initial=0.0)
            first += size
        return numbers, reach


QUICK = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


def compiled(function, *arguments):
    """A function compiled for arguments like these, as quickly as can be."""
    lowered = jax.jit(function).lower(*arguments)
    try:
        return lowered.compile(compiler_options=QUICK)
    except jax.errors.JaxRuntimeError as fault:
        # Options come and go with the versions of XLA, and with the device.
        if "compile option" not in str(fault):
            raise
        return lowered.compile()


def as_stored(changed: jax.Array, value: jax.Array) -> jax.Array:
    """A changed value in the type that it had: whole numbers are rounded, and those that the
    change left alone are kept to the last digit."""
    if changed.dtype == value.dtype or jnp.issubdtype(value.dtype, jnp.inexact):
        return changed.astype(value.dtype)
    rounded = jnp.rint(changed).astype(value.dtype)
    return jnp.where(changed == value.astype(changed.dtype), value, rounded)


def is_number(dtype: Any) -> bool:
    """Whether values of a type are numbers, or true or not; random keys are neither."""
    return not jnp.issubdtype(dtype, jax.dtypes.prng_key)


def fetch(values: jax.Array) -> Any:
    """As NumPy array; random keys stay what they are."""
    return np.asarray(values) if is_number(values.dtype) else values


def repeated(values: Any, count: int, axis: int = 0) -> Any:
    """The first values along an axis, `count` times. Random keys can be indexed, not repeated."""
    where = (slice(None),) * axis
    return values[(*where, np.zeros(count, int))]


def joined(parts: list) -> Any:
    """One after the other, fetched."""
    fetched = [fetch(part) for part in parts]
    return of(fetched).concatenate(fetched)


def of(values: list) -> Any:
    """NumPy where all values are its arrays, which compiles nothing; else its JAX twin."""
    return np if all(isinstance(value, np.ndarray) for value in values) else jnp


def alike(key, count: int) -> jax.Array:
    """The same random key several times. NumPy repeats it, which compiles nothing."""
    data: Any = np.asarray(jax.random.key_data(key))[None].repeat(count, 0)
    return jax.random.wrap_key_data(data, impl=jax.random.key_impl(key))
