"""Who hears whom where not everybody hears everybody: tables of senders, `[post, fan_in]`.

Row i lists the cells whose synapses end at cell i. What is not listed is not there: it has no
weight, delivers nothing and never changes. Tables are anatomy: they follow from sizes, geometry and
a seed, and last for all lives.
"""

from __future__ import annotations

import functools
import zlib

import numpy as np
from jaxtyping import Int

Senders = Int[np.ndarray, "post fan_in"]


@functools.cache
def drawn(post: int, pre: int, density: float, seed: int, name: str) -> Senders:
    """Every cell hears the same number of senders, drawn without replacement.

    Args:
        post, pre: sizes.
        density: share of the senders that a cell hears; one at least.
        seed, name: of the draw; projections of different names are drawn apart.
    """
    fan_in = max(1, round(density * pre))
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    order = rng.permuted(np.tile(np.arange(pre), (post, 1)), axis=1)
    return _fixed(np.sort(order[:, :fan_in], axis=1))


@functools.cache
def others(size: int) -> Senders:
    """Everybody hears everybody but itself."""
    all_ = np.tile(np.arange(size), (size, 1))
    return _fixed(all_[~np.eye(size, dtype=bool)].reshape(size, size - 1))


@functools.cache
def patches(
    pre: tuple[int, int, int], post: tuple[int, int, int], patch: tuple[int, int], stride: int
) -> Senders:
    """The cells of every place hear the cells of a patch of places.

    Args:
        pre, post: rows, columns, and cells at each place. Cells are numbered place by place, row by
            row.
        patch: rows and columns of a patch; senders are in the order row, column, cell.
        stride: places from one patch to the next.
    """
    rows, columns, cells = pre
    number = np.arange(rows * columns * cells).reshape(pre)
    seen = [
        number[y : y + patch[0], x : x + patch[1]].ravel()
        for y in stride * np.arange(post[0])
        for x in stride * np.arange(post[1])
    ]
    return _fixed(np.repeat(np.stack(seen), post[2], axis=0))


def turned(senders: Senders, pre: int) -> Int[np.ndarray, "pre most"]:
    """The synapses that begin at every sender, by their number in the table, row by row.

    Args:
        senders: a table.
        pre: number of senders. Where one has fewer synapses than another, its row is filled up with
            the number that no synapse has, `senders.size`.
    """
    flat = senders.ravel()
    count = np.bincount(flat, minlength=pre)
    table = np.full((pre, max(1, count.max())), flat.size)
    order = np.argsort(flat, kind="stable")
    rank = np.arange(flat.size) - np.repeat(np.cumsum(count) - count, count)
    table[flat[order], rank] = order
    return _fixed(table)


def _fixed(table: np.ndarray) -> Senders:
    table = table.astype(np.int32)  # whatever the width of numbers in the programs that use it
    table.setflags(write=False)
    return table
