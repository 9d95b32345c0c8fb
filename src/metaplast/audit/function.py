"""A user's own learner, from files: `metaplast audit my_rule.py:update --state my_rule.py:state`.

`update(state, experience, key) -> state` lives one moment; `experience` is
`{"stimulus": [inputs], "target": scalar}`, and a function that needs no randomness may leave the
key out. `state(key) -> state` makes a newborn; it may leave the key out, too. The state is a
dictionary that names everything in it:

    {"populations": {"input": {"activity": [inputs]}, "output": {"activity": [outputs]}},
     "projections": {"input->output": {"weight": [post, pre]}},
     "broadcast": {"modulator": [values]}}

(`metaplast.audit.anatomy` says what names of projections mean.) Where `state` takes any of the
keywords `inputs`, `hidden` (a tuple of sizes), `outputs` and `horizon` (moments of the life to
come), the learner is also audited at other sizes; without them, what grows with the size of a
learner or with the length of its life cannot be seen.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from metaplast import own_code
from metaplast.audit.anatomy import AnatomyError
from metaplast.audit.provenance.program import calls_host, enclosed
from metaplast.audit.subject import (
    DEEP,
    LARGE,
    LONG,
    NOMINAL,
    SMALL,
    Scale,
    Subject,
    from_function,
    path_name,
    world,
)
from metaplast.audit.tracing import Untraceable, traced

SIZES = ("inputs", "hidden", "outputs", "horizon")
"""Keywords by which a function `state` may be asked for another scale."""


class FunctionError(ValueError):
    """A user's file or function that cannot be used; the text is one line with the remedy."""


def from_files(update: str, state: str, scale: Scale = SMALL) -> Subject:
    """The subject of two functions, each named as `path/to/file.py:function`.

    Raises:
        FunctionError: no such file or function, or one that fails, with the line.
        AnatomyError: a state whose parts have no names, or whose names do not fit.
        Untraceable: an update that JAX cannot trace, that calls the host, or that returns
            another structure than it was given.
    """
    step, newborn = function(update, "update"), function(state, "state")
    return of_functions(update, step, newborn, scale)


def of_functions(name: str, step: Callable, newborn: Callable, scale: Scale = SMALL) -> Subject:
    """The subject of an `update` and a `state` that are at hand already. See `from_files`.

    Where `state` can be asked for sizes, those that checks will ask for are tried as well.
    """
    subject = _of_size(name, step, newborn, scale)
    if (resized := subject.resized) is None:
        return subject
    for other in (LARGE, DEEP, LONG, NOMINAL):
        try:
            resized(other)
        except (AnatomyError, FunctionError, Untraceable) as fault:
            asked = ", ".join(f"{size} {getattr(other, size)}" for size in _asked(newborn)[0])
            raise type(fault)(
                f"{fault}; at {asked}, which {_shown(newborn)} says it can be asked for; make it "
                "and the update fit any size, or leave the size keywords out"
            ) from fault
    return subject


def _of_size(name: str, step: Callable, newborn: Callable, scale: Scale) -> Subject:
    """The subject of two functions, at one scale."""
    asked, takes_key = _asked(newborn)
    sizes = {size: getattr(scale, size) for size in asked}

    def born(key):
        state = newborn(key, **sizes) if takes_key else newborn(**sizes)
        return _arrays(state)

    try:
        jax.eval_shape(born, jax.random.key(0))
    except Exception as fault:
        raise FunctionError(
            f"{_shown(newborn)} fails: {own_code.told(fault)}{own_code.line(fault)}"
        ) from fault
    resized = functools.partial(_of_size, name, step, newborn) if asked else None
    subject = from_function(name, _of_three(step), born, resized)
    _check_step(subject)
    return subject


def function(path: str, role: str) -> Callable:
    """The function that `file.py:name` names."""
    try:
        found = own_code.load(path)
    except own_code.CodeError as fault:
        raise FunctionError(f"{role} = {path!r}: {fault}") from fault
    if not callable(found):
        raise FunctionError(f"{role} = {path!r}: of type {type(found).__name__}, expected a "
                            "function")  # fmt: skip
    return found


def _asked(newborn: Callable) -> tuple[list[str], bool]:
    """Which sizes a function `state` takes as keywords, and whether it takes a key."""
    parameters = list(inspect.signature(newborn).parameters.values())
    asked = [p.name for p in parameters if p.name in SIZES]
    others = [p for p in parameters if p.name not in SIZES and p.kind is not p.VAR_KEYWORD]
    needed = [p.name for p in others if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    takes_key = bool(needed) or any(p.name == "key" for p in others)
    if len(needed) > 1 or (takes_key and others[0] is not parameters[0]):
        raise FunctionError(
            f"{_shown(newborn)} takes {[p.name for p in parameters]}: expected a key, which comes "
            f"first, and any of {list(SIZES)}; give other arguments a default"
        )
    return asked, takes_key


def _of_three(step: Callable) -> Callable:
    """An update of three arguments; one of two needs no key. What is called `key` is the key,
    wherever it stands behind the state and the experience."""
    parameters = list(inspect.signature(step).parameters.values())
    ordered = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    alone = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    named = any(p.name == "key" for p in [*ordered[2:], *alone] if p.kind is not p.POSITIONAL_ONLY)
    needed = [p.name for p in [*ordered[2:], *alone] if p.default is p.empty]
    given = ["key"] if named else [p.name for p in ordered[2:3]]
    first = [p.name for p in ordered[:2]]
    enough = len(ordered) > 1 or (several and not named)
    if not enough or "key" in first or not set(needed) <= set(given):
        raise FunctionError(
            f"{_shown(step)} takes {[p.name for p in parameters]}: expected (state, experience, "
            "key); give other arguments a default"
        )
    if named:
        return lambda state, experience, key: step(state, experience, key=key)
    if several or needed or given == ["key"]:
        return step
    return lambda state, experience, key: step(state, experience)


def _arrays(state: Any) -> Any:
    """The state with arrays in the place of numbers; dictionaries keep their order, which JAX
    would sort."""
    if isinstance(state, dict):
        return {name: _arrays(part) for name, part in state.items()}
    return jax.tree.map(jnp.asarray, state)


def _check_step(subject: Subject) -> None:
    """One moment must trace, stay in the program, and return what it was given, changed.

    Raises:
        Untraceable: it does not.
    """
    state = jax.eval_shape(subject.born, jax.random.key(0))
    moment = jax.tree.map(lambda a: a[0], world(subject, 1, jax.random.key(0)))
    program, after = traced(subject, (state, moment, jax.random.key(0)))
    pending = [program.jaxpr]
    while pending:
        for equation in pending.pop().eqns:
            if calls_host(equation):
                raise Untraceable(
                    f"{subject.name}: the step calls the host ({equation.primitive.name}), which "
                    "cannot be analysed; remove prints and callbacks"
                )
            pending.extend(enclosed(equation))
    returned = jax.tree.leaves(after)
    for (path, given), made in zip(
        jax.tree_util.tree_leaves_with_path(state), returned, strict=True
    ):
        if (given.shape, given.dtype) != (made.shape, made.dtype):
            raise Untraceable(
                f"{subject.name}: the step returns {path_name(path)} as {made.dtype}"
                f"{list(made.shape)}, expected {given.dtype}{list(given.shape)} as at birth"
            )


def _shown(called: Callable) -> str:
    return getattr(called, "__name__", type(called).__name__)
