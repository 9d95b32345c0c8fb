"""Random numbers depend on the key that they are drawn with, and on nothing else.

A typed key is one element. Each key of a batch yields its own results, along axes that the
primitive adds at the end.
"""

from __future__ import annotations

import numpy as np

from metaplast.audit.provenance.bits import everywhere, union
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation
from metaplast.audit.provenance.rules.elementwise import elementwise


def per_key(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """Results `[*keys, ...]` of each key (splitting, drawing bits, taking a key apart)."""
    (shape,) = equation.shapes
    keys = flows[0].bits
    added = (1,) * (len(shape) - len(flows[0].shape))
    spread = keys.reshape(*flows[0].shape, *added, keys.shape[-1])
    return [np.broadcast_to(spread, (*shape, keys.shape[-1]))]


def wrap(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """A key is put together from the words along the last axes."""
    (shape,) = equation.shapes
    return [union(flows[0].bits, range(len(shape), len(flows[0].shape)))]


def gamma(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """Each element has a key of its own, split from that of its leading axes."""
    (shape,) = equation.shapes
    key, *others = flows
    total = per_key(equation, [key], run)[0]
    for other in others:
        total = total | other.bits
    return [np.broadcast_to(total, (*shape, total.shape[-1]))]


def generator(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """A whole state makes a whole block, and the next state."""
    total = union(flows[0].bits)
    for flow in flows[1:]:
        total = total | union(flow.bits)
    return [everywhere(total, shape) for shape in equation.shapes]


RULES = {
    "threefry2x32": elementwise,
    "random_seed": elementwise,
    "random_clone": elementwise,
    "random_fold_in": elementwise,
    "random_wrap": wrap,
    "random_unwrap": per_key,
    "random_split": per_key,
    "random_bits": per_key,
    "random_gamma": gamma,
    "rng_bit_generator": generator,
    "rng_uniform": generator,
}
