"""Element i of the result depends on element i of each operand.

Operands are of the result's shape, or scalars. What an operand's value does to the others' is not
looked at: a product with a known zero still depends on the other factor (which may be infinite).
"""

from __future__ import annotations

import numpy as np

from metaplast.audit.provenance.bits import everywhere, union
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation

_NAMES = """
abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e cbrt ceil clamp
clz complex conj convert_element_type cos cosh digamma div eq eq_to erf erf_inv erfc
exp exp2 expm1 floor ge gt igamma igamma_grad_a igammac imag integer_pow is_finite le le_to
lgamma log log1p log2 logistic lt lt_to max min mul mulhi ne neg nextafter not or polygamma
population_count pow pvary real reduce_precision rem round rsqrt
shift_left shift_right_arithmetic shift_right_logical sign sin sinh sqrt square sub tan tanh
xor zeta
"""


def elementwise(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """The union of the operands, element by element."""
    return [unite(shape, [flow.bits for flow in flows]) for shape in equation.shapes]


def unite(shape: tuple[int, ...], parts: list[np.ndarray]) -> np.ndarray:
    """The union of sets of places, element by element; scalars are spread."""
    total = parts[0]
    for part in parts[1:]:
        total = np.bitwise_or(total, part)
    return np.broadcast_to(total, (*shape, total.shape[-1]))


def select_n(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """A known choice takes the sets of what is chosen; an unknown one unites all."""
    (shape,) = equation.shapes
    which, *cases = flows
    if which.value is None:
        return elementwise(equation, flows, run)
    chosen = np.broadcast_to(np.asarray(which.value.array()).astype(np.int64), shape)
    bits = np.zeros_like(np.broadcast_to(cases[0].bits, (*shape, cases[0].bits.shape[-1])))
    for number, case in enumerate(cases):
        np.copyto(bits, case.bits, where=(chosen == number)[..., None])
    return [bits]


def bitcast(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """Bits read as another type: a wider or narrower one gains or loses a last axis."""
    (shape,) = equation.shapes
    (flow,) = flows
    if len(shape) < len(flow.shape):
        return [np.bitwise_or.reduce(flow.bits, axis=-2)]
    if len(shape) > len(flow.shape):
        return [np.broadcast_to(flow.bits[..., None, :], (*shape, flow.bits.shape[-1]))]
    return [flow.bits]


def shared_iteration(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """Computed by iterating until all elements have converged, so that each of them changes (in
    its last digits) with the slowest."""
    total = union(flows[0].bits)
    for flow in flows[1:]:
        total = total | union(flow.bits)
    return [everywhere(total, shape) for shape in equation.shapes]


RULES = dict.fromkeys(_NAMES.split(), elementwise) | {
    "regularized_incomplete_beta": shared_iteration,
    "select_n": select_n,
    "bitcast_convert_type": bitcast,
}
