"""The way of a place inside a loop or a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metaplast.audit.provenance.bits import holds
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation, Program
from metaplast.audit.provenance.rules.control import scan_layout

if TYPE_CHECKING:
    from metaplast.audit.provenance.interpreter import Run


def steps_inside(
    run: Run,
    equation: Equation,
    operands: list[Flow],
    position: int,
    element: tuple[int, ...],
    place: int,
    own: np.ndarray,
) -> list[Any]:
    """The steps within an equation's nested programs, the last one first.

    The rule is run again and its rounds are recorded. From the round in which the element was
    made, the way goes back through the carry, round by round, to one in which the place entered
    from outside.
    """
    if equation.name not in ("cond", "scan", "while"):
        return []
    recorder = run.recorder()
    recorder.apply(equation, operands)
    return _Inside(recorder, equation, place, own).steps(position, element)


class _Inside:
    def __init__(self, run: Any, equation: Equation, place: int, own: np.ndarray):
        self.run, self.equation, self.place, self.own = run, equation, place, own
        self.rounds = [
            entry
            for entry in run.rounds
            if equation.name == "cond" or entry[0] is run.program(self.body)
        ]

    @property
    def body(self) -> Any:
        return self.equation.params["body_jaxpr" if self.equation.name == "while" else "jaxpr"]

    def steps(self, position: int, element: tuple[int, ...]) -> list[Any]:
        name, params = self.equation.name, self.equation.params
        if name == "cond":
            for number in range(len(self.rounds)):
                if self._has(number, position, element):
                    return self._through(number, position, element)[0]
            return []
        if name == "while":
            first, carries = params["body_nconsts"], len(self.equation.outputs)
        else:
            first, carries = scan_layout(params)
        if position < carries:
            return self._back(len(self.rounds), first, carries, position, element)
        number = len(self.rounds) - 1
        if len(self.rounds) == params["length"]:
            number = number - element[0] if params["reverse"] else element[0]
        return self._from(number, first, carries, position, element[1:])

    def _back(
        self, number: int, first: int, carries: int, position: int, element: tuple[int, ...]
    ) -> list[Any]:
        """From a carry as round `number` finds it."""
        while number > 0:
            number -= 1
            if self._has(number, position, element):
                return self._from(number, first, carries, position, element)
        return []

    def _from(
        self, number: int, first: int, carries: int, position: int, element: tuple[int, ...]
    ) -> list[Any]:
        """From an output of a round."""
        if number < 0 or not self._has(number, position, element):
            return []
        steps, (end, source) = self._through(number, position, element)
        program: Program = self.rounds[number][0]
        inside = program.inputs.index(end) if end in program.inputs else -1
        if first <= inside < first + carries:
            steps = steps + self._back(number, first, carries, inside - first, source)
        return steps

    def _has(self, number: int, position: int, element: tuple[int, ...]) -> bool:
        program, _, made = self.rounds[number]
        return bool(holds(made[program.outputs[position]].bits[element], self.place))

    def _through(self, number: int, position: int, element: tuple[int, ...]) -> Any:
        from metaplast.audit.provenance.witness import walk  # the two call each other

        program, uses, made = self.rounds[number]
        return walk(
            self.run.quiet(),
            program,
            uses,
            made,
            program.outputs[position],
            element,
            self.place,
            self.own,
        )
