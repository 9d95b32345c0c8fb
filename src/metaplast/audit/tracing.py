"""A step as a program, or one line of the user's own code that says why it is none."""

from __future__ import annotations

import jax

from metaplast.audit.subject import Subject


class Untraceable(ValueError):
    """A step that cannot be analysed; the text says why, and where."""


def traced(subject: Subject, arguments):
    """The jaxpr of a step, and the shapes of the state that it returns.

    Raises:
        Untraceable: the step fails under tracing, or returns another structure.
    """
    try:
        program, outputs = jax.make_jaxpr(subject.step, return_shape=True)(*arguments)
    except Untraceable:
        raise
    except Exception as fault:
        raise Untraceable(f"{subject.name}: {_first_line(fault)}{_line_of(fault)}") from fault
    given = jax.tree.structure(arguments[0])
    if jax.tree.structure(outputs) != given:
        raise Untraceable(
            f"{subject.name}: the step returns {jax.tree.structure(outputs)}, expected a state of "
            f"the structure that it was given, {given}"
        )
    return program, outputs


def _first_line(fault: Exception) -> str:
    lines = str(fault).strip().splitlines() or [type(fault).__name__]
    return f"the step does not trace: {lines[0].rstrip('.')}"


def _line_of(fault: Exception) -> str:
    """The last line of the user's own code on the way to an exception."""
    where, trace = "", fault.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "site-packages" not in name and "metaplast/audit" not in name:
            where = f", at {name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where
