"""Products summed over pairs: matrix products and convolutions."""

from __future__ import annotations

import numpy as np

from metaplast.audit.provenance.bits import union
from metaplast.audit.provenance.flow import Flow
from metaplast.audit.provenance.program import Equation
from metaplast.audit.provenance.rules.pooling import Pooling, pool


def dot_general(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """An element depends on its row of the left operand and on its column of the right one."""
    (left_sum, right_sum), (left_batch, right_batch) = equation.params["dimension_numbers"]
    left, left_free = _summed(flows[0].bits, left_sum, left_batch)
    right, right_free = _summed(flows[1].bits, right_sum, right_batch)
    batch, words = left.shape[: len(left_batch)], left.shape[-1]
    left = left.reshape(*batch, *left_free, *(1 for _ in right_free), words)
    right = right.reshape(*batch, *(1 for _ in left_free), *right_free, words)
    return [left | right]


def _summed(
    bits: np.ndarray, contracted: tuple[int, ...], batch: tuple[int, ...]
) -> tuple[np.ndarray, tuple[int, ...]]:
    """The operand with its contracted axes united and its batch axes in front."""
    axes = range(bits.ndim - 1)
    free = [axis for axis in axes if axis not in contracted and axis not in batch]
    moved = bits.transpose(*batch, *free, *contracted, bits.ndim - 1)
    kept = len(batch) + len(free)
    return union(moved, range(kept, moved.ndim - 1)), tuple(bits.shape[axis] for axis in free)


def convolution(equation: Equation, flows: list[Flow], run: object) -> list[np.ndarray]:
    """A position depends on the window of the input that it sees, in all channels of its group,
    and on every tap of its output channel's filter: a tap over padding is multiplied by zero, and
    zero times infinity is not zero."""
    params, words = equation.params, flows[0].bits.shape[-1]
    numbers = params["dimension_numbers"]
    image = flows[0].bits.transpose(*numbers.lhs_spec, flows[0].bits.ndim - 1)
    kernel = flows[1].bits.transpose(*numbers.rhs_spec, flows[1].bits.ndim - 1)
    spatial = image.ndim - 3
    axes = range(2, 2 + spatial)
    window = Pooling(
        kernel.shape[2:-1],
        tuple(params["window_strides"]),
        tuple(params["padding"]),
        tuple(params["lhs_dilation"]),
        tuple(params["rhs_dilation"]),
    )
    seen = pool(image, window, first_axis=2)

    features, batches = params["feature_group_count"], params["batch_group_count"]
    size, channels = seen.shape[:2]
    out_channels, positions = kernel.shape[0], seen.shape[2:-1]
    # [batch group, batch, feature group, channel, ...] with the group's channels united.
    seen = seen.reshape(batches, size // batches, features, channels // features, *positions, words)
    seen = union(seen, (3,))
    groups = batches * features  # one of the two is 1
    taps = union(kernel, (1, *axes)).reshape(groups, out_channels // groups, words)
    # Batch first, then the groups in the order of the output's channels.
    seen = np.moveaxis(seen, 0, 1).reshape(size // batches, groups, 1, *positions, words)
    taps = taps.reshape(1, *taps.shape[:2], *(1 for _ in positions), words)
    out = (seen | taps).reshape(size // batches, out_channels, *positions, words)
    return [np.moveaxis(out, range(out.ndim - 1), (*numbers.out_spec,))]


RULES = {"dot_general": dot_general, "conv_general_dilated": convolution}
