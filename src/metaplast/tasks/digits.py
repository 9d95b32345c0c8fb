"""Handwritten digits of 8 x 8 pixels, bundled with scikit-learn: the embedded default."""

from __future__ import annotations

import functools
import gzip
import importlib.util
from pathlib import Path

import numpy as np

from metaplast.tasks.dataset import Dataset
from metaplast.tasks.pools import Pools, known_split, title

SEARCHED = 797
"""Images that a search may see, of 1797; 200 of them are its held-out part."""


def digits(moments: int = 300, held_out: int | None = None, split: str = "bench") -> Dataset:
    """Handwritten digits: 64 inputs in [0, 1], 10 classes.

    Args:
        moments: length of a life.
        held_out: test examples of an episode, by default all 200.
        split: `search` (597 images for lives, 200 held out), `bench` (800 and 200, none
            of them seen by a search), or `all` (1597 and the 200 of `bench`), for lives
            longer than 800.

    Raises:
        ValueError: an unknown split, fewer than 1 moment, more than 200 held-out images.

    References: Alpaydin & Kaynak (1998), Optical recognition of handwritten digits,
    doi:10.24432/C50P49.
    """
    pools = _pools(known_split(split))
    return Dataset(
        *pools, classes=10, moments=moments, held_out=held_out,
        name=title("digits", split, "images"),
    )  # fmt: skip


@functools.lru_cache
def _pools(split: str) -> Pools:
    x, y = _images()
    x = (x / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(y))
    search, bench = order[:SEARCHED], order[SEARCHED:]
    lives, test = {
        "search": (search[200:], search[:200]),
        "bench": (bench[200:], bench[:200]),
        "all": (np.concatenate([bench[200:], search]), bench[:200]),
    }[split]
    return Pools(x[lives], y[lives], x[test], y[test])


def _images() -> tuple[np.ndarray, np.ndarray]:
    """All 1797 images `[images, 64]`, 0 to 16, and their labels, as `load_digits` returns them.

    Importing scikit-learn takes a second, its file of digits a tenth of that; should a later
    version keep the file elsewhere, it is asked itself.
    """
    found = importlib.util.find_spec("sklearn")  # looks for the package, without importing it
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            with gzip.open(path, "rt") as file:
                table = np.loadtxt(file, delimiter=",")
            return table[:, :-1], table[:, -1].astype(int)
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return np.asarray(x), np.asarray(y)
