"""Elements are moved, repeated or left out, but not changed.

The axes of the bits are the axes of the value and one more at the end, so each rule is the same
move, made with the sets (and, where the value is known, with the value: see `constant.py`).
"""

from __future__ import annotations

import math

import numpy as np

from metaplast.audit.provenance.bits import nothing
from metaplast.audit.provenance.flow import Flow, Known
from metaplast.audit.provenance.program import Equation


def reshape(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    bits = flows[0].bits
    order = equation.params.get("dimensions")
    if order is not None:
        bits = bits.transpose(*order, bits.ndim - 1)
    return [bits.reshape(*equation.shapes[0], bits.shape[-1])]


def broadcast_in_dim(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    shape, bits = equation.shapes[0], flows[0].bits
    spread = [1] * len(shape)
    for axis, size in zip(equation.params["broadcast_dimensions"], flows[0].shape, strict=True):
        spread[axis] = size
    return [np.broadcast_to(bits.reshape(*spread, bits.shape[-1]), (*shape, bits.shape[-1]))]


def squeeze(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    bits = flows[0].bits
    return [bits.reshape(*equation.shapes[0], bits.shape[-1])]


def transpose(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    bits = flows[0].bits
    return [bits.transpose(*equation.params["permutation"], bits.ndim - 1)]


def rev(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    return [np.flip(flows[0].bits, tuple(equation.params["dimensions"]))]


def slice_(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    starts, limits = equation.params["start_indices"], equation.params["limit_indices"]
    strides = equation.params.get("strides") or (1,) * len(starts)
    return [flows[0].bits[tuple(map(slice, starts, limits, strides))]]


def split(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    borders = np.cumsum(equation.params["sizes"])[:-1]
    return np.split(flows[0].bits, borders, axis=equation.params["axis"])


def tile(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    return [np.tile(flows[0].bits, (*equation.params["reps"], 1))]


def concatenate(
    equation: Equation, flows: list[Flow], run: object
) -> list[np.ndarray] | list[Flow]:
    axis = equation.params["dimension"]
    bits = np.concatenate([flow.bits for flow in flows], axis)
    if axis == len(equation.shapes[0]) - 1 and all(flow.shape[axis] == 1 for flow in flows):
        return [Flow(bits, None, tuple(flows))]
    return [bits]


def stack(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray] | list[Flow]:
    axis = equation.params["axis"] % len(equation.shapes[0])
    bits = np.stack([flow.bits for flow in flows], axis)
    if axis == len(equation.shapes[0]) - 1:
        return [Flow(bits, None, tuple(_as_column(flow) for flow in flows))]
    return [bits]


def unstack(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    axis = equation.params["axis"] % len(flows[0].shape)
    return list(np.moveaxis(flows[0].bits, axis, 0))


def _as_column(flow: Flow) -> Flow:
    value = flow.value
    known = None if value is None else Known(lambda array: array[..., None], value)
    return Flow(flow.bits[..., None, :], known)


def pad(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """Room is made around and between elements, and filled with the padding's set; a negative
    amount cuts off instead."""
    operand, padding = flows
    bits, words = operand.bits, operand.bits.shape[-1]
    config = equation.params["padding_config"]
    axes = list(zip(operand.shape, config, strict=True))
    spread = [size + max(size - 1, 0) * inner for size, (_, _, inner) in axes]
    # Laid out on an area that holds operand and result, then cut to the result.
    room = [max(low, 0) + max(high, 0) for low, high, _ in config]
    sizes = [size + extra for size, extra in zip(spread, room, strict=True)]
    area = np.broadcast_to(padding.bits, (*sizes, words)).copy()
    where = tuple(
        slice(max(low, 0), max(low, 0) + size, inner + 1)
        for size, (low, _, inner) in zip(spread, config, strict=True)
    )
    area[where] = bits
    cut = tuple(
        slice(max(-low, 0), max(-low, 0) + size)
        for size, (low, _, _) in zip(equation.shapes[0], config, strict=True)
    )
    return [area[cut]]


def source_free(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """Made from nothing: indices along an axis, uninitialized memory, the platform's number."""
    words = flows[0].bits.shape[-1] if flows else run.words  # type: ignore[attr-defined]
    return [nothing(shape, words) for shape in equation.shapes]


def is_empty(shape: tuple[int, ...]) -> bool:
    """Whether a value of this shape has no elements."""
    return math.prod(shape) == 0


MOVES = {
    "reshape": reshape,
    "broadcast_in_dim": broadcast_in_dim,
    "squeeze": squeeze,
    "transpose": transpose,
    "rev": rev,
    "slice": slice_,
    "split": split,
    "tile": tile,
    "concatenate": concatenate,
    "stack": stack,
    "unstack": unstack,
    "pad": pad,
}
"""Rules that only move elements, and therefore serve for values too."""

RULES = MOVES | {"iota": source_free, "empty2": source_free, "platform_index": source_free}
