"""A moment in which what cells say is replaced, and what the cells that listen make of it.

The traced program of a moment is run equation by equation: what a cell says is not computed but
given, or given to some of those who hear it only, and everything that cells compute is read off.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from metaplast.audit.living import compiled, is_number, repeated
from metaplast.audit.places import Kind
from metaplast.audit.provenance.interpreter import FUNCTIONS
from metaplast.audit.provenance.program import Program, flatten
from metaplast.audit.reads import Reads
from metaplast.types import Key

ABREAST = 32
"""States in one call of the compiled program."""
STEPS = (1e-2, 1e-1)
"""A little, in standard deviations of what cells of the population say: the first one whose
effect is legible counts."""


class Replaced:
    """The moment of one subject. Positions are those of the fields of its state, numbers those of
    the variables of its program."""

    def __init__(self, reads: Reads, key: Key):
        self.reads, self.key = reads, key
        self.made = reads.places.made
        self.programs: dict[bool, Any] = {}

    def numeric(self, position: int) -> bool:
        """Whether a field holds numbers."""
        return is_number(self.reads.program.out_avals[position].dtype)

    @functools.cached_property
    def program(self) -> Program:
        return flatten(self.reads.program, FUNCTIONS)

    @functools.cached_property
    def listened(self) -> list[int]:
        """Fields that are read off: all that cells at the end of a bundle compute."""
        ends = {b.post for b in self.reads.places.anatomy.bundles}
        computed = {n for equation in self.program.equations for n in equation.outputs}
        return [
            p for p, leaf in enumerate(self.made)
            if leaf.kind is Kind.CELL and leaf.owner in ends and leaf.size and self.numeric(p)
            and self.program.outputs[p] in computed
        ]  # fmt: skip

    @functools.cached_property
    def columns(self) -> dict[int, int]:
        """Where each of them begins among all values that are read off."""
        sizes = [self.made[p].size for p in self.listened]
        return dict(zip(self.listened, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))

    def needed(self, short: bool) -> tuple[list[Any], list[int]]:
        """The equations that what is read off depends on, where what cells say is given (`short`)
        or not, and the numbers of the variables that they are given."""
        wanted, kept = {self.program.outputs[p] for p in self.listened}, []
        for equation in reversed(self.program.equations):
            if wanted.intersection(equation.outputs):
                wanted.update(n for n in equation.inputs if not (short and n in self.cut))
                kept.append(equation)
        read = {n for equation in kept for n in equation.inputs}
        entering = [n for n in self.program.inputs[:-1] if n in read and n not in self.cut]
        return kept[::-1], [*entering, *(n for n in self.cut if n in read)]

    @functools.cached_property
    def cut(self) -> dict[int, int]:
        """What cells say and what is broadcast: its position, by number of the variable."""
        program, cut = self.program, {}
        for position, number in enumerate(program.outputs):
            synapse = self.made[position].kind is Kind.SYNAPSE
            if not synapse and number not in program.inputs[: len(self.made)]:
                cut.setdefault(number, position)
        return cut

    def inexact(self, position: int) -> bool:
        return bool(jnp.issubdtype(self.reads.program.out_avals[position].dtype, jnp.inexact))

    def heard(
        self, short: bool, given: list[Any], loose: dict[int, bool], fields: list[int]
    ) -> np.ndarray:
        """What is read off of some fields, one after the other, `[cases, columns]`.

        Args:
            short: whether what cells say is given, and computed nowhere.
            given: values `[cases, ...]` of the variables that `needed` names.
            loose: by number, what is computed all the same where it is not `short`.
            fields: positions, all of them `listened`.
        """
        equations, needed = self.needed(short)

        def moment(given, loose):
            return self._run(equations, short, dict(zip(needed, given, strict=True)), loose)

        flags = {n: np.asarray(loose[n]) for n in needed if n in self.cut}
        # Cases vary in number with the cells of a population: filled up to a common one.
        count, full = len(given[0]), [_filled(values, self.cases) for values in given]
        if short not in self.programs:
            self.programs[short] = compiled(jax.vmap(moment, (0, None)), full, flags)
        all_ = np.asarray(self.programs[short](full, flags))
        parts = [self.columns[p] + np.arange(self.made[p].size) for p in fields]
        return all_[:count, np.concatenate(parts)]

    @functools.cached_property
    def cases(self) -> int:
        cells = max(group.size for group in self.reads.places.anatomy.groups)
        return ABREAST * cells * (2 * len(STEPS) + 2)

    def _run(self, equations, short, given, loose) -> jax.Array:
        program = self.program
        values: dict[int, Any] = {**program.constants, program.inputs[-1]: self.key, **given}
        made = dict(values)
        for equation in equations:
            operands = [values[number] for number in equation.inputs]
            results = equation.primitive.bind(*operands, **equation.params)
            results = results if equation.primitive.multiple_results else [results]
            for number, result in zip(equation.outputs, results, strict=True):
                made[number] = result
                if number not in given:
                    values[number] = result
                elif not short:
                    values[number] = jnp.where(loose[number], result, given[number])
        off = [jnp.ravel(made[program.outputs[p]]).astype(jnp.float32) for p in self.listened]
        return jnp.concatenate(off) if off else jnp.zeros(0)


def _filled(values, count: int):
    """Cases up to a number of them; the first one fills up."""
    of = np if isinstance(values, np.ndarray) else jnp
    return of.concatenate([values, repeated(values[:1], count - len(values))])
