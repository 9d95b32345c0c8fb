"""The same moment again, with some of its values replaced: clamped, noisy, coarse.

A step is run equation by equation. Where a value that it returns as state is computed, it can be
replaced by another one, and all that is computed from it later follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
from jax.extend.core import ClosedJaxpr

from metaplast.audit.provenance.interpreter import FUNCTIONS
from metaplast.audit.provenance.program import flatten

Replacement = Callable[[jax.Array], jax.Array]


def replaced(closed: ClosedJaxpr, replacements: Mapping[int, Replacement]) -> Callable[..., list]:
    """The traced function, with some of its outputs replaced where they are computed.

    Args:
        closed: a traced function, from `jax.make_jaxpr`.
        replacements: by position of the flat output, what to make of its value. Outputs that are
            handed on from the inputs unchanged are replaced as outputs only.

    Returns:
        A function of the flat inputs that returns the flat outputs; it can be jitted.
    """
    program = flatten(closed, FUNCTIONS)
    wanted: dict[int, list[Replacement]] = {}
    for output, replacement in replacements.items():
        wanted.setdefault(program.outputs[output], []).append(replacement)

    def run(*inputs: jax.Array) -> list:
        values = dict(program.constants)
        values.update(zip(program.inputs, inputs, strict=True))
        for equation in program.equations:
            operands = [values[number] for number in equation.inputs]
            results = equation.primitive.bind(*operands, **equation.params)
            for number, result in zip(
                equation.outputs,
                results if equation.primitive.multiple_results else [results],
                strict=True,
            ):
                # Only the first: an output under two names is one value.
                change = wanted.get(number)
                values[number] = change[0](result) if change else result
        outputs = [values[number] for number in program.outputs]
        for number, change in wanted.items():
            if number in program.inputs:
                for position, output in enumerate(program.outputs):
                    if output == number:
                        outputs[position] = change[0](outputs[position])
        return outputs

    return run
