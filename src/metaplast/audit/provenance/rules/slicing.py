"""Slices whose position is decided at run time, one number per axis.

JAX moves a slice that would stick out back inside. So an axis that the slice fills has only one
possible position, and a known position is exact. Along an axis whose position is not known, the
slice may lie anywhere, and where it lies says something about the position.
"""

from __future__ import annotations

import numpy as np

from metaplast.audit.provenance.bits import union
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation


def dynamic_slice(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    operand, *starts = flows
    (shape,) = equation.shapes
    known = _known_starts(operand.shape, shape, starts)
    open_axes = [axis for axis, start in enumerate(known) if start is None]
    bits = union(operand.bits, open_axes, keepdims=True)
    bits = bits[tuple(
        slice(None) if start is None else slice(start, start + size)
        for start, size in zip(known, shape, strict=True)
    )]  # fmt: skip
    for axis in open_axes:
        bits = bits | starts[axis].bits
    return [np.broadcast_to(bits, (*shape, bits.shape[-1]))]


def dynamic_update_slice(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    operand, update, *starts = flows
    known = _known_starts(operand.shape, update.shape, starts)
    open_axes = [axis for axis, start in enumerate(known) if start is None]
    where = tuple(
        slice(None) if start is None else slice(start, start + size)
        for start, size in zip(known, update.shape, strict=True)
    )
    new = union(update.bits, open_axes, keepdims=True)
    for axis in open_axes:
        new = new | starts[axis].bits
    bits = operand.bits.copy()
    if not open_axes:
        bits[where] = new
    elif update.bits.size:
        bits[where] |= new
    return [bits]


def _known_starts(
    shape: tuple[int, ...], sizes: tuple[int, ...], starts: list[Flow]
) -> list[int | None]:
    """Where the slice begins along each axis; None: not known."""
    known: list[int | None] = []
    for length, size, start in zip(shape, sizes, starts, strict=True):
        if size == length:
            known.append(0)
        elif start.value is None:
            known.append(None)
        else:
            known.append(int(np.clip(int(start.value.array()), 0, length - size)))
    return known


RULES = {"dynamic_slice": dynamic_slice, "dynamic_update_slice": dynamic_update_slice}
