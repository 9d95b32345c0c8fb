"""Equations whose operands are all known: evaluated, when somebody asks for the result.

Whole numbers decide where things go (indices, predicates, counters), and JAX would compile one
program for each shape of each operation on them. So those are computed by NumPy, where NumPy means
the same; the rest by JAX itself, one operation at a time (a compiled program may round the last
digit of a float otherwise, which matters only to an index that is computed from such a digit).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from metaplast.audit.provenance.bits import nothing
from metaplast.audit.provenance.flow import Flow, Known
from metaplast.audit.provenance.program import Equation, as_constant
from metaplast.audit.provenance.rules.structural import MOVES

WHOLE = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "not": np.invert,
}
"""Operations on whole numbers and truth values that NumPy and JAX define alike."""


def evaluated(equation: Equation, flows: list[Flow], words: int) -> list[Flow]:
    """The results of an equation whose operands are known."""
    parents = [flow.value for flow in flows if flow.value is not None]
    results = Known(lambda *operands: _evaluate(equation, operands), *parents)
    return [
        Flow(nothing(shape, words), Known(lambda all_, number=number: all_[number], results))
        for number, shape in enumerate(equation.shapes)
    ]


def _evaluate(equation: Equation, operands: tuple[Any, ...]) -> list[Any]:
    if all(isinstance(operand, np.ndarray) for operand in operands):
        results = _by_numpy(equation, operands)
        if results is not None:
            return results
    primitive = equation.primitive
    results = primitive.bind(*operands, **equation.params)
    return [as_constant(part) for part in (results if primitive.multiple_results else [results])]


def _by_numpy(equation: Equation, operands: tuple[np.ndarray, ...]) -> list[np.ndarray] | None:
    name, params = equation.name, equation.params
    dtype = equation.avals[0].dtype
    dtypes = [dtype, *(array.dtype for array in operands)]
    whole = all(getattr(dtype, "kind", "-") in "iub" for dtype in dtypes)
    if name in MOVES:
        # The move of the sets, made with the values: one word per set, of another type.
        moved = MOVES[name](equation, [Flow(array[..., None]) for array in operands], None)
        parts = [part.bits if isinstance(part, Flow) else part for part in moved]
        return [np.array(part[..., 0]) for part in parts] if name != "pad" else None
    if name == "iota":
        axis, shape = params["dimension"], params["shape"]
        spread = [-1 if number == axis else 1 for number in range(len(shape))]
        line = np.arange(shape[axis]).astype(dtype).reshape(spread)
        return [np.broadcast_to(line, shape)]
    if not whole:
        return None
    if name == "convert_element_type":
        return [operands[0].astype(dtype)]
    if name == "select_n" and operands[0].shape in ((), operands[1].shape):
        chosen = np.choose(operands[0].astype(np.int64), operands[1:])
        return [np.asarray(chosen).astype(dtype)]
    if name in WHOLE:
        with np.errstate(over="ignore"):
            return [np.asarray(WHOLE[name](*operands)).astype(dtype)]
    return None
