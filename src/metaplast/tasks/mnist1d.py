"""MNIST-1D: procedural one-dimensional digits on which depth pays."""

from __future__ import annotations

import functools
import random

import numpy as np

from metaplast.tasks.check import at_least
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.pools import Pools, known_split, title

SEARCH_OFFSET = 1_000_003
"""Added to the generator's seed for the sample that a search may see."""


def mnist1d(
    moments: int = 300, held_out: int | None = None, seed: int = 42, split: str = "bench"
) -> Dataset:
    """MNIST-1D: 40 inputs of unit variance, 10 classes, 4000 examples for lives, 1000 held out.

    Args:
        moments: length of a life.
        held_out: test examples of an episode, by default 200.
        seed: of the generator; 42 is the sample that the authors publish.
        split: `bench`; `search`, another sample of the same procedure; or `all`, lives
            from both samples.

    Raises:
        ValueError: an unknown split, fewer than 1 moment, more than 1000 held-out examples.

    References: Greydanus & Kobak (2024), Scaling down deep learning with MNIST-1D,
    arXiv:2011.14439.
    """
    at_least("seed", seed, 0, "give another one, or 42 for the published sample")
    pools = _pools(seed, known_split(split))
    return Dataset(
        *pools, classes=10, moments=moments, held_out=held_out, name=title("mnist1d", split)
    )


def _pools(seed: int, split: str) -> Pools:
    if split != "all":
        return _generate(seed if split == "bench" else seed + SEARCH_OFFSET)
    bench, search = _generate(seed), _generate(seed + SEARCH_OFFSET)
    return bench._replace(
        x_train=np.concatenate([bench.x_train, search.x_train]),
        y_train=np.concatenate([bench.y_train, search.y_train]),
    )


@functools.lru_cache(maxsize=8)
def _generate(seed: int) -> Pools:
    """Run the authors' generator, which seeds the global generators, and put those back."""
    from mnist1d.data import get_dataset_args, make_dataset

    settings = get_dataset_args()
    setattr(settings, "seed", seed)  # noqa: B010  (a bare namespace without declared fields)
    states = random.getstate(), np.random.get_state()
    try:
        made = make_dataset(settings)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
    x_train, x_test = (made[k].astype(np.float32) for k in ("x", "x_test"))
    return Pools(x_train, made["y"], x_test, made["y_test"])
