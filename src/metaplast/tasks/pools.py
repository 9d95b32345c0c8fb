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


def some_of(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` examples, in their order, chosen by one fixed permutation: files
    are often sorted by class, so the first ones would be of few classes."""
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def title(name: str, split: str, things: str = "examples") -> str:
    """What a table calls a task, so that a reader sees which pool a figure came from."""
    return name if split == "bench" else f"{name} ({split} {things})"


def divide(pools: Pools, split: str) -> Pools:
    """Four tenths of a train pool are for the search, a quarter of them its held-out part.

    Which ones is decided by one fixed permutation, so that the parts are the same in
    every process. The test pool belongs to `bench` and `all`.

    Raises:
        ValueError: where the train pool is too small to be divided.
    """
    size = pools.x_train.shape[0]
    searched = size * 4 // 10
    if known_split(split) == "all":
        return pools
    if searched < 4:
        raise ValueError(
            f"x_train: {size} examples, expected 10 or more to keep those of the search and of "
            "the comparison apart; give more examples, or split='all'"
        )
    order = np.random.default_rng(0).permutation(size)
    search, bench = order[:searched], order[searched:]
    if split == "bench":
        return pools._replace(x_train=pools.x_train[bench], y_train=pools.y_train[bench])
    held_out, lives = search[: searched // 4], search[searched // 4 :]
    return Pools(
        pools.x_train[lives], pools.y_train[lives], pools.x_train[held_out], pools.y_train[held_out]
    )
