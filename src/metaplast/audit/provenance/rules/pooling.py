"""Windows that slide over an array."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from metaplast.audit.provenance.bits import union
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation


class Pooling(NamedTuple):
    """A window over consecutive axes, in the words of XLA."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    base_dilation: tuple[int, ...]
    window_dilation: tuple[int, ...]

    @classmethod
    def of(cls, params: dict, rank: int) -> Pooling:
        ones = (1,) * rank
        return cls(
            tuple(params["window_dimensions"]),
            tuple(params["window_strides"]),
            tuple(map(tuple, params["padding"])),
            tuple(params.get("base_dilation") or ones),
            tuple(params.get("window_dilation") or ones),
        )

    def positions(self, axis: int, length: int) -> np.ndarray:
        """Which input a window sees along one axis, `[windows, taps]`; -1 is padding or a hole."""
        low, high = self.padding[axis]
        hole, dilation = self.base_dilation[axis], self.window_dilation[axis]
        spread = 0 if length == 0 else (length - 1) * hole + 1
        reach = (self.size[axis] - 1) * dilation + 1
        windows = max(0, (spread + low + high - reach) // self.strides[axis] + 1)
        at = (
            np.arange(windows)[:, None] * self.strides[axis]
            + np.arange(self.size[axis])[None] * dilation
            - low
        )
        return np.where((at >= 0) & (at < spread) & (at % hole == 0), at // hole, -1)


def pool(bits: np.ndarray, window: Pooling, first_axis: int = 0) -> np.ndarray:
    """The union over each window. Windows are products of intervals: one axis after the other."""
    for number in range(len(window.size)):
        axis = first_axis + number
        at = window.positions(number, bits.shape[axis])
        shape = (*bits.shape[:axis], 1, *bits.shape[axis + 1 :])
        padded = np.concatenate([bits, np.zeros(shape, np.uint64)], axis)  # -1 is the last
        seen = np.take(padded, at, axis)
        bits = np.bitwise_or.reduce(seen, axis=axis + 1)
    return bits


def unpool(bits: np.ndarray, window: Pooling, shape: tuple[int, ...]) -> np.ndarray:
    """For each element of the input, the union over the windows that see it."""
    for axis, length in enumerate(shape):
        at = window.positions(axis, length)
        moved = np.moveaxis(bits, axis, 0)
        out = np.zeros((length + 1, *moved.shape[1:]), np.uint64)
        for tap in range(at.shape[1]):
            np.bitwise_or.at(out, at[:, tap], moved)
        bits = np.moveaxis(out[:length], 0, axis)
    return bits


def reduce_window(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """Sums, extremes, or any other reduction over windows.

    The general form reduces several operands together, each with an initial value after them.
    """
    shapes = equation.shapes
    window = Pooling.of(equation.params, len(shapes[0]))
    arrays = [flow for flow in flows if len(flow.shape) == len(shapes[0])]
    total = pool(_united([flow.bits for flow in arrays]), window)
    if len(arrays) < len(flows) and shapes[0]:
        total = total | _united([flow.bits for flow in flows if not flow.shape])
    return [total for _ in shapes]


def select_and_scatter_add(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """The derivative of max pooling: a window's source goes to where its extreme lies."""
    source, operand = flows
    window = Pooling.of(equation.params, len(operand.shape))
    return [unpool(source.bits | pool(operand.bits, window), window, operand.shape)]


def _united(parts: list[np.ndarray]) -> np.ndarray:
    return union(np.stack(parts), (0,))


RULES = {
    "reduce_window": reduce_window,
    "reduce_window_sum": reduce_window,
    "reduce_window_max": reduce_window,
    "reduce_window_min": reduce_window,
    "select_and_gather_add": reduce_window,
    "select_and_scatter_add": select_and_scatter_add,
}
