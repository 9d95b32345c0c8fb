"""Gather and scatter.

Both pair each element of a small array (what is gathered, or what updates) with an element of a
large one; `Pairing` computes the pairs. Coordinates whose index is known are exact. A coordinate
whose index is not known may be anything: the large array's sets are united along that axis (or
spread along it), and the index's own set goes to all that it could have decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaplast.audit.provenance.bits import union
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation
from metaplast.audit.provenance.rules.structural import is_empty


@dataclass(frozen=True)
class Pairing:
    """Which element of an operand each element of an array of windows goes with."""

    operand: tuple[int, ...]
    """Shape of the large array."""
    windows: tuple[int, ...]
    """Shape of the small one: batch axes, and the axes of the windows."""
    size: tuple[int, ...]
    """Size of a window along each axis of the operand."""
    offsets: tuple[int, ...]
    """The axes of `windows` that run within a window."""
    dropped: tuple[int, ...]
    """Axes of the operand of which a window has one, which is not an axis of `windows`."""
    indexed: tuple[int, ...]
    """The axes of the operand that the columns of the indices are for."""
    operand_batch: tuple[int, ...]
    indices_batch: tuple[int, ...]

    @property
    def batch(self) -> list[int]:
        """The axes of `windows` that are axes of the indices."""
        return [axis for axis in range(len(self.windows)) if axis not in self.offsets]

    def over_batch(self, values: np.ndarray, trailing: int = 0) -> np.ndarray:
        """An array over the indices' axes, laid out so that it broadcasts against `windows`."""
        shape = [1] * len(self.windows)
        for axis, length in zip(self.batch, values.shape, strict=False):
            shape[axis] = length
        return values.reshape((*shape, *values.shape[values.ndim - trailing :]))

    def coordinates(
        self, starts: list[np.ndarray | None], clamp: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Flat positions in the operand, whether each is inside, whether its whole window is.

        A start that is None stands for zero.
        """
        rank = len(self.operand)
        at = [np.zeros((1,) * len(self.windows), np.int64) for _ in range(rank)]
        whole = np.ones((1,) * len(self.windows), bool)
        for axis, start in zip(self.indexed, starts, strict=True):
            if start is None:
                continue
            last = self.operand[axis] - self.size[axis]
            start = self.over_batch(start.astype(np.int64))
            whole = whole & (start >= 0) & (start <= last)
            at[axis] = at[axis] + (np.clip(start, 0, last) if clamp else start)
        for axis, index_axis in zip(self.operand_batch, self.indices_batch, strict=True):
            shape = [1] * len(self.windows)
            shape[self.batch[index_axis]] = self.operand[axis]
            at[axis] = at[axis] + np.arange(self.operand[axis]).reshape(shape)
        inner = [a for a in range(rank) if a not in self.dropped and a not in self.operand_batch]
        for axis, offset in zip(inner, self.offsets, strict=True):
            shape = [1] * len(self.windows)
            shape[offset] = self.windows[offset]
            at[axis] = at[axis] + np.arange(self.windows[offset]).reshape(shape)
        flat, inside = np.zeros((), np.int64), np.ones((), bool)
        for axis, length in enumerate(self.operand):
            inside = inside & (at[axis] >= 0) & (at[axis] < length)
            flat = flat * length + np.clip(at[axis], 0, max(length - 1, 0))
        return tuple(np.broadcast_to(part, self.windows) for part in (flat, inside, whole))  # type: ignore[return-value]

    def open_axes(self, starts: list[np.ndarray | None]) -> list[int]:
        """The operand's axes along which a window may lie anywhere."""
        return [
            axis
            for axis, start in zip(self.indexed, starts, strict=True)
            if start is None and self.size[axis] < self.operand[axis]
        ]


def gather(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    operand, indices = flows
    (shape,) = equation.shapes
    numbers = equation.params["dimension_numbers"]
    pairing = Pairing(
        operand.shape,
        shape,
        _whole(equation.params["slice_sizes"]),
        _whole(numbers.offset_dims),
        _whole(numbers.collapsed_slice_dims),
        _whole(numbers.start_index_map),
        _whole(numbers.operand_batching_dims),
        _whole(numbers.start_indices_batching_dims),
    )
    starts, index_bits = _read(indices, pairing)
    words = operand.bits.shape[-1]
    if is_empty(operand.shape):
        return [np.broadcast_to(index_bits, (*shape, words))]
    bits = operand.bits
    for axis in pairing.open_axes(starts):
        bits = np.broadcast_to(union(bits, (axis,), keepdims=True), bits.shape)
    flat, _, whole = pairing.coordinates(starts, clamp=True)
    taken = bits.reshape(-1, words)[flat]
    if _mode(equation) == "FILL_OR_DROP":
        taken = np.where(whole[..., None], taken, np.uint64(0))
    return [taken | index_bits]


def scatter(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    operand, indices, updates = flows
    numbers = equation.params["dimension_numbers"]
    words = operand.bits.shape[-1]
    if is_empty(operand.shape) or is_empty(updates.shape):
        return [operand.bits]
    dropped = _whole(numbers.inserted_window_dims)
    batch = _whole(numbers.operand_batching_dims)
    offsets = _whole(numbers.update_window_dims)
    size = [1] * len(operand.shape)
    inner = [a for a in range(len(size)) if a not in dropped and a not in batch]
    for axis, offset in zip(inner, offsets, strict=True):
        size[axis] = updates.shape[offset]
    pairing = Pairing(
        operand.shape,
        updates.shape,
        tuple(size),
        offsets,
        dropped,
        _whole(numbers.scatter_dims_to_operand_dims),
        batch,
        _whole(numbers.scatter_indices_batching_dims),
    )
    starts, index_bits = _read(indices, pairing)
    known = all(start is not None for start in starts)
    flat, inside, whole = pairing.coordinates(starts, clamp=_mode(equation) == "CLIP")

    new = np.broadcast_to(updates.bits | index_bits, updates.bits.shape).reshape(-1, words)
    landed = np.zeros((int(np.prod(operand.shape)), words), np.uint64)
    hit = inside.reshape(-1)
    np.bitwise_or.at(landed, flat.reshape(-1)[hit], new[hit])
    landed = landed.reshape(operand.bits.shape)
    for axis in pairing.open_axes(starts):
        landed = np.broadcast_to(union(landed, (axis,), keepdims=True), landed.shape)

    kept = operand.bits
    if known and _overwrites(equation):
        kept = kept.reshape(-1, words).copy()
        certain = (inside & (whole | (_mode(equation) == "CLIP"))).reshape(-1)
        kept[flat.reshape(-1)[certain]] = 0
        kept = kept.reshape(operand.bits.shape)
    return [kept | landed]


def _read(indices: Flow, pairing: Pairing) -> tuple[list[np.ndarray | None], np.ndarray]:
    """Per column of the indices its values (None: not known), and the sets of all of them, laid
    out against the windows."""
    columns = len(pairing.indexed)
    if indices.value is not None:
        values = np.asarray(indices.value.array())
        starts: list[np.ndarray | None] = [values[..., column] for column in range(columns)]
    elif len(indices.columns) == columns:
        starts = [
            None if part.value is None else np.asarray(part.value.array())[..., 0]
            for part in indices.columns
        ]
    else:
        starts = [None] * columns
    return starts, pairing.over_batch(union(indices.bits, (indices.bits.ndim - 2,)), trailing=1)


def _whole(numbers: Sequence[Any]) -> tuple[int, ...]:
    """As Python's integers (JAX hands on NumPy's, where it was given them)."""
    return tuple(map(int, numbers))


def _mode(equation: Equation) -> str:
    """What happens to windows that stick out: CLIP, FILL_OR_DROP or PROMISE_IN_BOUNDS."""
    mode = equation.params["mode"]
    return getattr(mode, "name", str(mode))


def _overwrites(equation: Equation) -> bool:
    """Whether the update replaces what was there (`lax.scatter_apply` uses the same primitive)."""
    if equation.name != "scatter":
        return False
    combine = equation.params["update_jaxpr"]
    if combine is None:
        return True
    combine = getattr(combine, "jaxpr", combine)
    return not combine.eqns and combine.outvars[0] is combine.invars[1]


RULES = {"gather": gather} | dict.fromkeys(
    ["scatter", "scatter-add", "scatter-sub", "scatter-mul", "scatter-min", "scatter-max",
     "scatter_add", "scatter_sub", "scatter_mul", "scatter_min", "scatter_max"],
    scatter,
)  # fmt: skip
