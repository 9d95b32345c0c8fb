"""Loops and branches.

A loop that provably runs a known, small number of times is followed round by round. Any other is
followed until another round would add nothing: what the carry can hold after any number of
rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from metaplast.audit.provenance.bits import everywhere, union
from metaplast.audit.provenance.flow import Flow, Known
from metaplast.audit.provenance.program import Equation, Program

if TYPE_CHECKING:
    from metaplast.audit.provenance.interpreter import Run


def cond(equation: Equation, flows: list[Flow], run: Run) -> list[Flow]:
    """The branch of a known choice; otherwise any branch, and the choice itself.

    An operand that every branch hands on untouched says nothing about the choice.
    """
    which, *operands = flows
    branches = equation.params["branches"]
    if which.value is not None:
        number = int(np.clip(int(which.value.array()), 0, len(branches) - 1))
        return run.enter(branches[number], operands)
    programs = [run.program(branch) for branch in branches]
    results = [run.enter(branch, operands) for branch in branches]
    out = []
    for position, cases in enumerate(zip(*results, strict=True)):
        handed_on = {
            program.inputs.index(program.outputs[position])
            if program.outputs[position] in program.inputs
            else None
            for program in programs
        }
        if len(handed_on) == 1 and None not in handed_on:
            out.append(cases[0])
            continue
        out.append(Flow(which.bits | _united([case.bits for case in cases])))
    return out


def scan(equation: Equation, flows: list[Flow], run: Run) -> list[Flow]:
    params = equation.params
    body, length = params["jaxpr"], params["length"]
    first_carry, carries = scan_layout(params)
    first_row = first_carry + carries
    consts, carry, xs = flows[:first_carry], flows[first_carry:first_row], flows[first_row:]

    if length > run.unroll:
        rows = [Flow(np.bitwise_or.reduce(x.bits, axis=0)) for x in xs]
        carry = _settle(
            lambda now: run.enter(body, [*consts, *now, *rows])[:carries],
            carry,
            _untouched(run.program(body), first_carry)[:carries],
        )
        ys = run.enter(body, [*consts, *carry, *rows])[carries:]
        shapes = equation.shapes[carries:]
        return carry + [
            Flow(np.broadcast_to(y.bits, (*shape, run.words)))
            for y, shape in zip(ys, shapes, strict=True)
        ]

    ys: Any = [None] * length
    for step in reversed(range(length)) if params["reverse"] else range(length):
        results = run.enter(body, [*consts, *carry, *(_row(x, step) for x in xs)])
        carry, ys[step] = results[:carries], results[carries:]
    return carry + [
        _stack([y[number] for y in ys], shape, run.words)
        for number, shape in enumerate(equation.shapes[carries:])
    ]


def scan_layout(params: dict[str, Any]) -> tuple[int, int]:
    """How many of a scan's operands are constants, and how many are the carry."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    consts, carry, _ = params["ft_in"].unpack()  # JAX 0.12
    return len(consts), len(carry)


def while_(equation: Equation, flows: list[Flow], run: Run) -> list[Flow]:
    """Whether it goes on is decided by the predicate, so all that changes depends on it."""
    params = equation.params
    test, body = params["cond_jaxpr"], params["body_jaxpr"]
    tests, bodies = params["cond_nconsts"], params["body_nconsts"]
    test_consts, body_consts = flows[:tests], flows[tests : tests + bodies]
    carry = flows[tests + bodies :]

    for _ in range(run.unroll + 1):
        (goes_on,) = run.enter(test, [*test_consts, *carry])
        if goes_on.value is None:
            break
        if not bool(goes_on.value.array()):
            return carry
        carry = run.enter(body, [*body_consts, *carry])

    untouched = _untouched(run.program(body), bodies)
    settled = _settle(lambda now: run.enter(body, [*body_consts, *now]), carry, untouched)
    (goes_on,) = run.enter(test, [*test_consts, *settled])
    return [
        flow if same else Flow(flow.bits | everywhere(union(goes_on.bits), flow.shape))
        for flow, same in zip(settled, untouched, strict=True)
    ]


def _untouched(program: Program, first_carry: int) -> list[bool]:
    """Which carries a loop's body hands on as they are."""
    outs, given = program.outputs, program.inputs[first_carry:]
    return [one == other for one, other in zip(outs, given, strict=False)]


def _settle(body: Any, carry: list[Flow], untouched: list[bool]) -> list[Flow]:
    """What the carry can hold after any number of rounds. Sets only grow, so it ends."""
    # A counter's value is known only in its first round.
    carry = [flow if same else Flow(flow.bits) for flow, same in zip(carry, untouched, strict=True)]
    while True:
        after = [
            flow if same else Flow(flow.bits | new.bits)
            for flow, new, same in zip(carry, body(carry), untouched, strict=True)
        ]
        if all(map(_same, carry, after)):
            return carry
        carry = after


def _same(one: Flow, other: Flow) -> bool:
    return np.array_equal(one.bits, other.bits)


def _row(flow: Flow, step: int) -> Flow:
    value = flow.value
    return Flow(flow.bits[step], None if value is None else Known(lambda array: array[step], value))


def _stack(rows: list[Flow], shape: tuple[int, ...], words: int) -> Flow:
    bits = np.stack([row.bits for row in rows]) if rows else np.zeros((*shape, words), np.uint64)
    values = [row.value for row in rows if row.value is not None]
    if len(values) < len(rows) or not rows:
        return Flow(bits)
    return Flow(bits, Known(lambda *arrays: np.stack(arrays), *values))


def _united(parts: list[np.ndarray]) -> np.ndarray:
    total = parts[0]
    for part in parts[1:]:
        total = total | part
    return total


RULES = {"cond": cond, "scan": scan, "while": while_}
