"""Sets of places, one per array element, as bits.

A *place* is a number that the caller gives to one thing that information can come from (one
cell, one synapse, a random key). A set of places is a row of 64-bit words, and an array of shape
`[*shape]` whose every element has such a set is an array of bits `[*shape, words]`. All axes but
the last are the axes of the value, so what moves elements about moves their sets by the same
NumPy call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import UInt64

Bits = UInt64[np.ndarray, "... words"]

WORD = 64


def words_for(places: int) -> int:
    """How many words a set needs when there are `places` places (at least one)."""
    return max(1, -(-places // WORD))


def nothing(shape: Sequence[int], words: int) -> Bits:
    """Every element has the empty set. Read-only, and costs one set of memory."""
    return np.broadcast_to(np.zeros(words, np.uint64), (*shape, words))


def singletons(shape: Sequence[int], first: int, words: int) -> Bits:
    """Every element is a place of its own: `first`, `first + 1`, ... in row-major order."""
    size = int(np.prod(shape, dtype=np.int64))
    bits = np.zeros((size, words), np.uint64)
    place = first + np.arange(size, dtype=np.uint64)
    word, shift = place // np.uint64(WORD), place % np.uint64(WORD)
    bits[np.arange(size), word.astype(np.int64)] = np.uint64(1) << shift
    return bits.reshape(*shape, words)


def one(places: Iterable[int], words: int) -> Bits:
    """One set with the given places in it, `[words]`."""
    bits = np.zeros(words, np.uint64)
    for place in places:
        bits[place // WORD] |= np.uint64(1) << np.uint64(place % WORD)
    return bits


def everywhere(places: Bits, shape: Sequence[int]) -> Bits:
    """One set `[words]` given to every element of a value of this shape."""
    return np.broadcast_to(places, (*shape, places.shape[-1]))


def union(bits: Bits, axes: Sequence[int] | None = None, keepdims: bool = False) -> Bits:
    """The union over some axes of the value (over all of them by default)."""
    if axes is None:
        axes = range(bits.ndim - 1)
    return np.bitwise_or.reduce(bits, axis=tuple(axes), keepdims=keepdims)


def holds(bits: Bits, place: int) -> np.ndarray:
    """Which elements have `place` in their set: booleans `[*shape]`."""
    return np.asarray((bits[..., place // WORD] >> np.uint64(place % WORD)) & np.uint64(1) != 0)


def places_of(bits: Bits) -> list[int]:
    """The places in one set `[words]`, in ascending order."""
    little_endian = np.ascontiguousarray(bits).astype("<u8").view(np.uint8)
    return np.flatnonzero(np.unpackbits(little_endian, bitorder="little")).tolist()
