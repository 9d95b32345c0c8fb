"""Which examples a search may see and which ones a comparison keeps for itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SPLITS = ("bench", "search", "all")
"""`search`: what meta-training may see; `bench`: disjoint from it, for comparisons;
`all`: lives from both, for lives longer than the pool of `bench`."""


class Pools(NamedTuple):
    """Train and test examples of one split."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def known_split(split: str) -> str:
    """Return `split` where it is one.

    Raises:
        ValueError: where it is none.
    """
    if split not in SPLITS:
        raise ValueError(f"split = {split!r}: give one of {', '.join(SPLITS)}")
    return split


class Parts(NamedTuple):
    """Numbers of the examples of a train pool, in the order in which each part has them."""

    lives: np.ndarray
    """Of the search, for lives."""
    held_out: np.ndarray
    """Of the search, for its held-out part."""
    bench: np.ndarray


BLOCK = 10_000
"""Examples that are divided together where not all of a file may be read."""


def some_of(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` examples, in their order, chosen by one fixed permutation: files
    are often sorted by class, so the first ones would be of few classes. As many are of each part
    as `divide` needs, and the parts do not depend on `most`."""
    return np.sort(np.concatenate(_some_parts(count, most)))


def _some_parts(count: int, most: int) -> Parts:
    """The first of each part of a file.

    It is divided before it is known how much of it is read, or a search that reads less than its
    comparison would see examples of that. It is divided block by block, so that what at most
    `BLOCK` examples are divided into is what they would be on their own.
    """
    order = np.random.default_rng(0).permutation(count)
    blocks = [np.sort(order[first : first + BLOCK]) for first in range(0, count, BLOCK)]
    each = [[block[part] for part in _parts(len(block))] for block in blocks]
    whole = (np.concatenate(same) for same in zip(*each, strict=True))
    wanted = map(len, _parts(min(count, most)))
    return Parts(*(part[:size] for part, size in zip(whole, wanted, strict=True)))


def _parts(size: int) -> Parts:
    """The parts of a pool of which all is read."""
    order, searched = np.random.default_rng(0).permutation(size), size * 4 // 10
    search, bench = order[:searched], order[searched:]
    return Parts(search[searched // 4 :], search[: searched // 4], bench)


def title(name: str, split: str, things: str = "examples") -> str:
    """What a table calls a task, so that a reader sees which pool a figure came from."""
    return name if split == "bench" else f"{name} ({split} {things})"


def divide(pools: Pools, split: str, count: int | None = None) -> Pools:
    """Four tenths of a train pool are for the search, a quarter of them its held-out part.

    Which ones is decided by one fixed permutation, so that the parts are the same in
    every process. The test pool belongs to `bench` and `all`.

    Args:
        pools: all examples, or those that `some_of` chose.
        split: which part.
        count: how many there are in the file, where the train pool is `some_of` them.

    Raises:
        ValueError: where the train pool is too small to be divided.
    """
    size = pools.x_train.shape[0]
    if known_split(split) == "all":
        return pools
    if size * 4 // 10 < 4:
        raise ValueError(
            f"x_train: {size} examples, expected 10 or more to keep those of the search and of "
            "the comparison apart; give more examples, or split='all'"
        )
    parts = _parts(size) if count is None else _read(_some_parts(count, size))
    if split == "bench":
        return pools._replace(
            x_train=pools.x_train[parts.bench], y_train=pools.y_train[parts.bench]
        )
    return Pools(
        pools.x_train[parts.lives], pools.y_train[parts.lives],
        pools.x_train[parts.held_out], pools.y_train[parts.held_out],
    )  # fmt: skip


def _read(parts: Parts) -> Parts:
    """Where the examples of each part are among those that were read, which are in order."""
    read = np.sort(np.concatenate(parts))
    return Parts(*(np.searchsorted(read, part) for part in parts))
