"""A jaxpr as one list of equations, with calls inlined.

`jit`, `remat`, `custom_jvp` and their like only put a fence around equations. Here the fences are
taken down, so that a value has one name wherever it is used: a hidden activity that a nested
function returned, and that the next layer's nested function was given, is one variable. Equations
that hand their operand on unchanged (`stop_gradient`, `copy`, a conversion to the type it has)
give no new name either, and the same primitive with the same operands and parameters is one
equation (JAX's own primitives are functions: equal arguments, equal values).

Loops and branches are not inlined: how often they run is for the interpreter to find out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

FENCES = frozenset(
    {"jit", "pjit", "remat", "remat2", "checkpoint", "composite", "program_order"}
    | {"call", "core_call", "closed_call", "eval_jaxpr", "linear_call", "xla_metadata_call"}
    | {"custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "custom_vmap_call"}
)
"""Primitives that only enclose equations."""

ENCLOSED = ("jaxpr", "call_jaxpr", "fun_jaxpr", "call", "callee")
"""The parameters in which these stand (one of them, depending on the primitive and on JAX)."""

IDENTITIES = frozenset(
    {"stop_gradient", "copy", "copy_p", "name", "optimization_barrier", "device_put"}
    | {"sharding_constraint", "layout_constraint", "reshard"}
)
"""Primitives whose every output is the operand at the same position."""


@dataclass(frozen=True)
class Equation:
    """One operation, its operands and results given as numbers of variables."""

    primitive: Any
    params: dict[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    avals: tuple[Any, ...]
    """Abstract values (shape and type) of the results."""
    sources: tuple[Any, ...]
    """JAX's source info of the equation, then of the calls it stood in, innermost first."""

    @property
    def name(self) -> str:
        return self.primitive.name

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the results."""
        return [tuple(getattr(aval, "shape", ())) for aval in self.avals]


@dataclass
class Program:
    """Equations in the order in which they may run."""

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    equations: list[Equation] = field(default_factory=list)
    constants: dict[int, Any] = field(default_factory=dict)
    """Literals and captured constants: NumPy arrays (or JAX arrays of random keys)."""
    captured: tuple[int, ...] = ()
    """The variables of the outermost jaxpr's captured constants, in its order."""
    mutable: bool = False
    """Whether state occurs that changes in place, whose content no variable's name stands for."""


def flatten(closed: ClosedJaxpr, functions: frozenset[str] = frozenset()) -> Program:
    """The program of a closed jaxpr.

    `functions` names the primitives that are known to be functions of their operands, whose
    repetitions may be merged.
    """
    return _Flattening(functions).run(closed)


def as_constant(value: Any, aval: Any = None) -> Any:
    """A constant as NumPy holds it; random keys stay what they are."""
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return value
    return np.asarray(value, dtype=None if aval is None else aval.dtype)


def enclosed(equation: JaxprEqn) -> Iterator[Any]:
    """The jaxprs that stand in the parameters of an equation."""
    for parameter in equation.params.values():
        for part in parameter if isinstance(parameter, (tuple, list)) else (parameter,):
            if isinstance(part, (ClosedJaxpr, Jaxpr)):
                yield getattr(part, "jaxpr", part)


def calls_host(equation: JaxprEqn) -> bool:
    """Whether an equation hands something to Python, or takes something from there."""
    name = equation.primitive.name
    return any(word in name for word in ("callback", "debug_print", "infeed", "outfeed"))


class _Flattening:
    def __init__(self, functions: frozenset[str]):
        self.functions = functions
        self.program = Program()
        self.count = 0
        self.seen: dict[Any, tuple[int, ...]] = {}

    def run(self, closed: ClosedJaxpr) -> Program:
        program, jaxpr = self.program, closed.jaxpr
        frame = {var: self.fresh(var.aval) for var in jaxpr.invars}
        program.inputs = tuple(frame[var] for var in jaxpr.invars)
        # Not shared with equal literals: the caller may have given these places of their own.
        for var, value in zip(jaxpr.constvars, closed.consts, strict=True):
            frame[var] = self.fresh(var.aval)
            program.constants[frame[var]] = as_constant(value)
        program.captured = tuple(frame[var] for var in jaxpr.constvars)
        program.outputs = self.inline(jaxpr, frame, ())
        return program

    def inline(self, jaxpr: Jaxpr, frame: dict, sources: tuple) -> tuple[int, ...]:
        for equation in jaxpr.eqns:
            operands = tuple(self.atom(frame, atom) for atom in equation.invars)
            results = self.equation(equation, operands, (equation.source_info, *sources))
            frame.update(zip(equation.outvars, results, strict=True))
        return tuple(self.atom(frame, atom) for atom in jaxpr.outvars)

    def equation(
        self, equation: JaxprEqn, operands: tuple[int, ...], sources: tuple
    ) -> tuple[int, ...]:
        called = _called(equation, operands)
        if called is not None:
            jaxpr, operands = called
            frame: dict = dict(zip(jaxpr.jaxpr.invars, operands, strict=True))
            for var, value in zip(jaxpr.jaxpr.constvars, jaxpr.consts, strict=True):
                frame[var] = self.constant(as_constant(value))
            return self.inline(jaxpr.jaxpr, frame, sources)
        if _hands_on(equation):
            return operands

        if equation.effects and not calls_host(equation) and not any(enclosed(equation)):
            self.program.mutable = True
        key = self.key(equation, operands)
        if key is not None and key in self.seen:
            return self.seen[key]
        results = tuple(self.fresh(var.aval) for var in equation.outvars)
        avals = tuple(var.aval for var in equation.outvars)
        self.program.equations.append(
            Equation(equation.primitive, dict(equation.params), operands, results, avals, sources)
        )
        if key is not None:
            self.seen[key] = results
        return results

    def key(self, equation: JaxprEqn, operands: tuple[int, ...]) -> Any:
        """What two equations that compute the same have in common; None: never the same."""
        if equation.effects or equation.primitive.name not in self.functions:
            return None
        key = (equation.primitive, operands, tuple(sorted(equation.params.items(), key=_first)))
        try:
            hash(key)
        except TypeError:
            return None
        return key

    def atom(self, frame: dict, atom: Any) -> int:
        if isinstance(atom, Literal):
            return self.constant(as_constant(atom.val, atom.aval))
        return frame[atom]

    def constant(self, value: Any) -> int:
        key = None
        if isinstance(value, np.ndarray) and value.size <= 64:
            key = ("constant", value.dtype.str, value.shape, value.tobytes())
        if key is not None and key in self.seen:
            return self.seen[key][0]
        number = self.fresh(None)
        self.program.constants[number] = value
        if key is not None:
            self.seen[key] = (number,)
        return number

    def fresh(self, aval: Any) -> int:
        # A reference's type wraps the type of its content.
        if hasattr(aval, "inner_aval"):
            self.program.mutable = True
        self.count += 1
        return self.count


def _first(item: Sequence) -> Any:
    return item[0]


def _called(
    equation: JaxprEqn, operands: tuple[int, ...]
) -> tuple[ClosedJaxpr, tuple[int, ...]] | None:
    """The jaxpr that an equation only encloses, and its operands; None for any other equation."""
    name = equation.primitive.name
    if name == "custom_linear_solve":
        return _linear_solve(equation, operands)
    if name not in FENCES:
        return None
    jaxpr = next((equation.params[key] for key in ENCLOSED if key in equation.params), None)
    if not isinstance(jaxpr, ClosedJaxpr):  # in newer versions of JAX, the two are one class
        if not isinstance(jaxpr, Jaxpr):
            return None
        jaxpr = ClosedJaxpr(jaxpr, ())
    fits = (len(jaxpr.jaxpr.invars), len(jaxpr.jaxpr.outvars)) == (
        len(operands),
        len(equation.outvars),
    )
    return (jaxpr, operands) if fits and len(jaxpr.consts) == len(jaxpr.jaxpr.constvars) else None


def _linear_solve(
    equation: JaxprEqn, operands: tuple[int, ...]
) -> tuple[ClosedJaxpr, tuple[int, ...]] | None:
    """A linear solve runs its `solve`, on its own constants and on the right-hand side."""
    lengths, jaxprs = equation.params.get("const_lengths"), equation.params.get("jaxprs")
    solve = getattr(jaxprs, "solve", None)
    if not isinstance(solve, ClosedJaxpr) or lengths is None:
        return None
    before = lengths.matvec + lengths.vecmat
    total = sum(lengths)
    operands = (*operands[before : before + lengths.solve], *operands[total:])
    fits = (len(solve.jaxpr.invars), len(solve.jaxpr.outvars)) == (
        len(operands),
        len(equation.outvars),
    )
    return (solve, operands) if fits else None


def _hands_on(equation: JaxprEqn) -> bool:
    if equation.primitive.name in IDENTITIES:
        return len(equation.invars) == len(equation.outvars)
    if equation.primitive.name != "convert_element_type":
        return False
    given, made = equation.invars[0].aval, equation.outvars[0].aval
    return getattr(given, "dtype", None) == getattr(made, "dtype", None)
