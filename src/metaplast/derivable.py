"""Where derivatives end: the operations of a traced program that let none through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

FLAT = frozenset({
    "sign", "floor", "ceil", "round", "stop_gradient", "argmax", "argmin", "nextafter",
    "random_bits", "random_fold_in", "is_finite", "bitcast_convert_type",
})  # fmt: skip
"""Operations whose derivative is zero wherever it exists."""
OWN = frozenset({"custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"})
"""Operations with a derivative of their own: it is taken to let everything through."""


class Reach(NamedTuple):
    """Which leaves of theta a derivative of the result reaches."""

    alive: list[str]
    """Paths of leaves that it may reach."""
    dead: list[str]
    """Paths of leaves that matter to the result, but whose derivative is always zero."""
    operations: list[str]
    """Where the derivatives of the dead ones end."""


def reach(function, theta: Any, *arguments: Any) -> Reach:
    """How far derivatives of the (first) result of a function come.

    Follows two sets through the program: what a value depends on, and what it depends on by
    operations that have a derivative. Loops are followed until nothing is added. No derivative is
    traced, so learners are looked at that have none.

    Args:
        function: of theta and the arguments.
        theta: a PyTree of float arrays.
        arguments: others.
    """
    leaves, tree = jax.tree_util.tree_flatten_with_path(theta)
    forms = [jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf)) for _, leaf in leaves]

    def flat(*leaves):
        made = function(jax.tree.unflatten(tree, leaves), *arguments)
        return jax.tree.leaves(made)[0]

    program = jax.make_jaxpr(flat)(*forms)
    found: dict[str, frozenset[int]] = {}
    flows = [(frozenset([i]), frozenset([i])) for i in range(len(leaves))]
    ((all_of_it, smooth),) = _through(program, flows, found)
    dead = all_of_it - smooth

    def names(some):
        return [jax.tree_util.keystr(leaves[i][0]) for i in sorted(some)]

    return Reach(names(smooth), names(dead), [n for n, cut in found.items() if cut & dead])


NOTHING = (frozenset(), frozenset())


def _through(program: ClosedJaxpr | Jaxpr, given: Sequence, found: dict) -> list:
    """What the outputs of a program depend on, `(at all, with a derivative)` each."""
    inner = program.jaxpr if isinstance(program, ClosedJaxpr) else program
    known: dict[Any, Any] = dict(zip(inner.invars, given, strict=True))

    def of(atom):
        return NOTHING if isinstance(atom, Literal) else known.get(atom, NOTHING)

    for equation in inner.eqns:
        inputs = [of(atom) for atom in equation.invars]
        outputs = _applied(equation, inputs, found)
        known.update(zip(equation.outvars, outputs, strict=True))
    return [of(atom) for atom in inner.outvars]


def _applied(equation, inputs, found: dict) -> list:
    name, params, count = equation.primitive.name, equation.params, len(equation.outvars)
    if name == "scan":
        return _looped(params["jaxpr"], inputs, params["num_consts"], params["num_carry"], found)
    if name == "while":
        body, skipped = params["body_jaxpr"], params["cond_nconsts"]
        whole = _looped(body, inputs[skipped:], params["body_nconsts"], count, found)
        cut = frozenset().union(*(smooth for _, smooth in inputs))
        found["while"] = found.get("while", frozenset()) | cut
        return [(everything, frozenset()) for everything, _ in whole]
    if name == "cond":
        chosen = inputs[0]
        branches = [_through(branch, inputs[1:], found) for branch in params["branches"]]
        return [_joined([(chosen[0], frozenset()), *ways]) for ways in zip(*branches, strict=True)]
    nested = params.get("jaxpr") or params.get("call_jaxpr")
    if name not in OWN and nested is not None and len(_inner(nested).invars) == len(inputs):
        return _through(nested, inputs, found)
    everything, smooth = _joined(inputs)
    outputs = []
    for variable in equation.outvars:
        floats = jnp.issubdtype(variable.aval.dtype, jnp.inexact)
        through = smooth if floats and name not in FLAT else frozenset()
        if name == "select_n":  # which one is chosen has no derivative, what is chosen has
            through = _joined(inputs[1:])[1]
        if smooth - through:
            found[name] = found.get(name, frozenset()) | (smooth - through)
        outputs.append((everything, through))
    return outputs


def _looped(body, inputs, constants: int, carried: int, found: dict) -> list:
    """A scan: what the carry depends on grows until it does not any more."""
    fixed, carry, each = (
        inputs[:constants], inputs[constants : constants + carried], inputs[constants + carried :],
    )  # fmt: skip
    while True:
        made = _through(body, [*fixed, *carry, *each], found)
        grown = [_joined(pair) for pair in zip(carry, made[:carried], strict=True)]
        if grown == carry:
            return [*grown, *made[carried:]]
        carry = grown


def _joined(flows) -> tuple[frozenset, frozenset]:
    return (
        frozenset().union(*(flow[0] for flow in flows)),
        frozenset().union(*(flow[1] for flow in flows)),
    )


def _inner(program) -> Jaxpr:
    return program.jaxpr if isinstance(program, ClosedJaxpr) else program
