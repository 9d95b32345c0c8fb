"""Reductions, running totals and orderings along axes."""

from __future__ import annotations

import numpy as np

from metaplast.audit.provenance.bits import union
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation

_REDUCTIONS = (
    "reduce_sum reduce_max reduce_min reduce_prod reduce_and reduce_or reduce_xor argmax argmin"
)
_CUMULATIVE = "cumsum cumprod cummax cummin cumlogsumexp"


def reduction(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """An element depends on all that was reduced to it."""
    return [union(flows[0].bits, equation.params["axes"])]


def general_reduction(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """`lax.reduce`: operands reduced together by a function, initial values after them."""
    count = len(flows) // 2
    total = union(flows[0].bits, equation.params["dimensions"])
    for flow in flows[1:count]:
        total = total | union(flow.bits, equation.params["dimensions"])
    for initial in flows[count:]:
        total = total | initial.bits
    return [total for _ in equation.shapes]


def cumulative(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """An element depends on itself and those before it (after it, in reverse)."""
    bits, axis = flows[0].bits, equation.params["axis"]
    if equation.params.get("reverse"):
        return [np.flip(np.bitwise_or.accumulate(np.flip(bits, axis), axis=axis), axis)]
    return [np.bitwise_or.accumulate(bits, axis=axis)]


def sort(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """Any element may go anywhere along the axis, and the keys decide where."""
    axis = equation.params["dimension"]
    totals = [union(flow.bits, (axis,), keepdims=True) for flow in flows]
    keys = totals[0]
    for total in totals[1 : equation.params["num_keys"]]:
        keys = keys | total
    return [
        np.broadcast_to(keys | total, flow.bits.shape)
        for total, flow in zip(totals, flows, strict=True)
    ]


def top_k(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """The largest along an axis, and where they stood: both depend on the whole axis."""
    bits = flows[0].bits
    axis = equation.params.get("axis", equation.params.get("reduction_dimension", -1))
    total = union(bits, (axis % (bits.ndim - 1),), keepdims=True)
    return [np.broadcast_to(total, (*shape, bits.shape[-1])) for shape in equation.shapes]


RULES = (
    dict.fromkeys(_REDUCTIONS.split(), reduction)
    | dict.fromkeys(_CUMULATIVE.split(), cumulative)
    | {"reduce": general_reduction, "sort": sort, "top_k": top_k, "approx_top_k": top_k}
)
