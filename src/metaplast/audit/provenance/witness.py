"""The way of one place into one element, and the line at which it went astray."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from metaplast.audit.provenance.bits import holds, one, places_of, words_for
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.location import NOWHERE, Location, locate
from metaplast.audit.provenance.nested import steps_inside
from metaplast.audit.provenance.program import Equation, Program

if TYPE_CHECKING:
    from metaplast.audit.provenance.interpreter import Run


class Witness(NamedTuple):
    """Where in the source a place moved into an element."""

    location: Location
    """The line of the equation that brought the place together with something of another origin
    (`NOWHERE` if nothing did and nothing moved it, or JAX kept no source info)."""
    primitive: str
    """That equation's primitive; empty if there is none."""
    path: tuple[Location, ...]
    """All lines on the way of the place, from where it entered to the output; neighbours differ."""

    @property
    def file(self) -> str:
        return self.location.file

    @property
    def line(self) -> int:
        return self.location.line

    def __str__(self) -> str:
        return str(self.location)


@dataclass
class Step:
    """One equation on the way."""

    equation: Equation
    meets: bool
    """Whether the result's set has places that the operand's had not."""


def trace(
    run: Run,
    program: Program,
    uses: dict[int, Flow],
    made: dict[int, Flow],
    output: int,
    element: tuple[int, ...],
    place: int,
    own: np.ndarray | None,
) -> Witness:
    """See `Analysis.witness`."""
    number = program.outputs[output]
    if not holds(made[number].bits[element], place):
        raise ValueError(f"element {element} of output {output} does not depend on place {place}")
    own = one([place], run.words) if own is None else own | one([place], run.words)
    steps, _ = walk(run, program, uses, made, number, element, place, own)
    steps = [step for step in reversed(steps) if locate(step.equation.sources) != NOWHERE]
    if not steps:
        return Witness(NOWHERE, "", ())
    chosen = next((step for step in steps if step.meets), steps[0])
    path: list[Location] = []
    for step in steps:
        location = locate(step.equation.sources)
        if not path or path[-1] != location:
            path.append(location)
    return Witness(locate(chosen.equation.sources), chosen.equation.name, tuple(path))


def walk(
    run: Run,
    program: Program,
    uses: dict[int, Flow],
    made: dict[int, Flow],
    number: int,
    element: tuple[int, ...],
    place: int,
    own: np.ndarray,
) -> tuple[list[Step], tuple[int, tuple[int, ...]]]:
    """Back from an element of a variable to where the place entered the program.

    Where several operands carry the place, the one with the smallest set is followed: the most
    direct way. Returns the steps, the last one first, and the variable and element it ended at.
    """
    producers = {out: eqn for eqn in program.equations for out in eqn.outputs}
    steps: list[Step] = []
    while number in producers:
        equation = producers[number]
        operands = [uses[operand] for operand in equation.inputs]
        position = equation.outputs.index(number)
        carriers = _carriers(run, equation, operands, position, element, place)
        if not carriers:
            break
        sizes = [np.bitwise_count(operands[which].bits[at]).sum() for which, at in carriers]
        which, source = carriers[int(np.argmin(sizes))]
        known = operands[which].bits[source] | own
        meets = bool(np.any(made[number].bits[element] & ~known))
        inner = steps_inside(run, equation, operands, position, element, place, own)
        if any(step.meets for step in inner):
            meets = False  # it is one of the inner ones that does
        steps.append(Step(equation, meets))
        steps.extend(inner)
        number, element = equation.inputs[which], source
        if uses[number] is not made[number]:
            break  # a cut: the place is this variable's label
    return steps, (number, element)


def _carriers(
    run: Run,
    equation: Equation,
    operands: list[Flow],
    position: int,
    element: tuple[int, ...],
    place: int,
) -> list[tuple[int, tuple[int, ...]]]:
    """Which elements of which operands brought the place into an element of a result.

    Each element that has the place becomes a place of its own, and the rule is run again.
    """
    candidates = [
        (number, tuple(map(int, index)))
        for number, flow in enumerate(operands)
        for index in np.argwhere(holds(flow.bits, place))
    ]
    words = words_for(len(candidates))
    marks = [np.zeros((*flow.shape, words), np.uint64) for flow in operands]
    for mark, (number, index) in enumerate(candidates):
        marks[number][index] = one([mark], words)
    probe = run.probe(words)
    results = probe.apply(
        equation, [flow._replace(bits=bits) for flow, bits in zip(operands, marks, strict=True)]
    )
    return [candidates[mark] for mark in places_of(results[position].bits[element])]
