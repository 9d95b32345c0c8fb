"""The same moment again, with some of its values replaced: noisy, coarse, lost, late.

A step is run equation by equation. Where a value that it returns as state is computed, it can be
replaced by another one, and all that is computed from it later follows. What is random about a
replacement is drawn beforehand, outside the compiled program: generators of random numbers take
longer to compile than a whole network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr
from jaxtyping import Float

from metaplast.audit.provenance.interpreter import FUNCTIONS
from metaplast.audit.provenance.program import flatten

LEVELS = 26
"""Distinguishable strengths of a synapse: Bartol et al. (2015) doi:10.7554/eLife.10778."""
NOISE, LOST, LATE = 0.1, 0.1, 0.1
"""Standard deviation of the noise on messages, and shares of synapses lost and messages late."""
WEIGHT = "weight"
"""The field of a projection that holds its synapses' weights."""

Replacement = Callable[[jax.Array], jax.Array]


class Intervention(NamedTuple):
    """Something that is done to some of the values of every moment of a life."""

    onto: str
    """`weights` or `messages`."""
    change: str
    """Which of `CHANGES` happens to them."""
    draw: Callable[[np.random.Generator, int, int], Float[np.ndarray, "moments values"]]
    """`(generator, moments, values) -> numbers` of one life."""


def coarse(value: jax.Array, numbers: jax.Array, reach: jax.Array, before: jax.Array) -> jax.Array:
    """The value at one of `LEVELS` levels, rounded up or down at random (`numbers` in [0, 1)), so
    that small changes are not lost altogether. Where the reach is zero: as it is.

    The levels are `LEVELS - 1` steps from minus to plus the reach, moved by half a step so that one
    of them is zero: with 26, from 12 steps below it to 13 above it, of .08 of the reach each. So
    what is below -.96 of its reach becomes that, and what is beyond .96 may become 1.04.
    """
    del before
    step = jnp.where(reach > 0, 2 * reach / (LEVELS - 1), 1.0)
    level = jnp.clip(jnp.floor(value / step + numbers), 1 - LEVELS // 2, LEVELS // 2)
    return jnp.where(reach > 0, level * step, value)


def scaled(value: jax.Array, numbers: jax.Array, reach: jax.Array, before: jax.Array) -> jax.Array:
    """Multiplicative noise, or loss. Where the numbers are one: as it is."""
    del reach, before
    return value * numbers


def held(value: jax.Array, numbers: jax.Array, reach: jax.Array, before: jax.Array) -> jax.Array:
    """The value of the moment before, where the numbers are zero. Where they are one: as it is."""
    del reach
    return jnp.where(numbers > 0.5, value, before)


CHANGES: dict[str, Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]] = {
    "coarse": coarse,
    "scaled": scaled,
    "held": held,
}
"""`(value, numbers of the moment, reach, value before) -> value`, by name; the reach is the largest
size that a value has in the same life with nothing done to it. All leave the value as it is where
the reach is zero and the numbers are one."""

INTERVENTIONS: dict[str, Intervention] = {
    "coarse weights": Intervention(
        "weights", "coarse", lambda rng, moments, values: rng.random((moments, values))
    ),
    "noisy messages": Intervention(
        "messages", "scaled",
        lambda rng, moments, values: 1.0 + NOISE * rng.standard_normal((moments, values)),
    ),
    # The same synapses all life long.
    "lost synapses": Intervention(
        "weights", "scaled",
        lambda rng, moments, values: np.tile(1.0 * (rng.random(values) >= LOST), (moments, 1)),
    ),
    # Whoever updates at random times is heard with what it said before.
    "late messages": Intervention(
        "messages", "held",
        lambda rng, moments, values: 1.0 * (rng.random((moments, values)) >= LATE),
    ),
}  # fmt: skip


def replaced(
    closed: ClosedJaxpr, replacements: Mapping[int, Replacement], carried: int = 0
) -> Callable[..., list]:
    """The traced function, with some of its outputs replaced where they are computed.

    Args:
        closed: a traced function, from `jax.make_jaxpr`.
        replacements: by position of the flat output, what to make of its value.
        carried: how many of the inputs are what was before. One that is handed on unchanged is
            replaced when it is handed on; any other input, such as a stimulus that input cells
            send on as it is, before anybody uses it.

    Returns:
        A function of the flat inputs that returns the flat outputs; it can be jitted.
    """
    program = flatten(closed, FUNCTIONS)
    wanted: dict[int, Replacement] = {}
    for output, replacement in replacements.items():
        # Only the first: an output under two names is one value.
        wanted.setdefault(program.outputs[output], replacement)

    def run(*inputs: jax.Array) -> list:
        values = dict(program.constants)
        values.update(zip(program.inputs, inputs, strict=True))
        for number in program.inputs[carried:]:
            if number in wanted:
                values[number] = wanted[number](values[number])
        for equation in program.equations:
            operands = [values[number] for number in equation.inputs]
            results = equation.primitive.bind(*operands, **equation.params)
            for number, result in zip(
                equation.outputs,
                results if equation.primitive.multiple_results else [results],
                strict=True,
            ):
                change = wanted.get(number)
                values[number] = change(result) if change else result
        before = program.inputs[:carried]
        handed_on = {n: change for n, change in wanted.items() if n in before}
        return [
            handed_on[number](values[number]) if number in handed_on else values[number]
            for number in program.outputs
        ]

    return run
