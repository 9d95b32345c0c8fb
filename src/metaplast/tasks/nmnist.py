"""N-MNIST: handwritten digits as an event camera saw them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from metaplast.tasks.check import at_least
from metaplast.tasks.checksum import verified
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.events import frames
from metaplast.tasks.folder import find
from metaplast.tasks.pools import Pools, divide, known_split, title
from metaplast.tasks.stored import stored

FILE = "nmnist_small"
"""The name of its file in the folder of data sets."""
SIDE = 34
_PARTS = ("ev_x", "ev_y", "ev_p", "ev_dt_us", "n_events", "label")


def nmnist(
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
    bins: int = 3,
    path: str | Path | None = None,
) -> Dataset:
    """N-MNIST: events counted in `bins` frames of 2 polarities and 34 x 34 pixels, 10 classes.

    Inputs come bin after bin, so `InSteps(nmnist(bins=3), steps=3)` shows the three saccades of
    a recording one after the other. Values are events per pixel and frame: with more
    bins they are fewer.

    Args:
        moments: length of a life.
        held_out: test examples of an episode; by default 200, or as many as there are.
        split: see `metaplast.tasks.pools.divide`.
        bins: frames of a recording.
        path: an `.npz` of events; by default nmnist_small.npz in the folder that METAPLAST_DATA
            names.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a wrong argument or a wrong file.

    References: Orchard et al. (2015) doi:10.3389/fnins.2015.00437.
    """
    known_split(split)
    at_least("bins", bins, 1, "give the frames of a recording")
    path = Path(path) if path else find(FILE)
    raw = stored(path, [f"{part}_{pool}" for pool in ("train", "test") for part in _PARTS])
    sum_ = verified(path.stem, raw)
    pools = Pools(*_pool(raw, "train", bins, path), *_pool(raw, "test", bins, path))
    return Dataset(
        *divide(pools, split), classes=10, moments=moments, held_out=held_out,
        name=title("nmnist", split), checksum=sum_,
    )  # fmt: skip


def _pool(raw, pool: str, bins: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frames `[recordings, bins x 2 x 34 x 34]` and labels of one pool."""
    x, y, p, dt, counts, label = (raw[f"{part}_{pool}"] for part in _PARTS)
    ends = np.r_[0, np.cumsum(counts.astype(np.int64))]
    if not len(x) == len(y) == len(dt) == ends[-1] <= 8 * len(p) or len(label) != len(counts):
        raise ValueError(
            f"data = {str(path)!r}: {len(x)} events and {len(label)} labels in {pool}, expected "
            f"{ends[-1]} and {len(counts)} by n_events_{pool}; fetch the file again"
        )
    p = np.unpackbits(p)
    seen = []
    for begin, end in itertools.pairwise(ends):
        s = slice(begin, end)
        t = np.cumsum(dt[s], dtype=np.int64)
        try:
            counts = frames(x[s], y[s], t, p[s], (SIDE, SIDE), bins)
        except ValueError as fault:
            raise ValueError(f"data = {str(path)!r}: {pool}, {fault}") from None
        seen.append(counts.reshape(-1))
    return np.stack(seen), label.astype(np.int64)
