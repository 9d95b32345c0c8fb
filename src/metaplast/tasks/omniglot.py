"""Omniglot: handwritten characters of many alphabets, few examples of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metaplast.tasks.checksum import verified
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.folder import find
from metaplast.tasks.pools import Pools, divide, known_split, title
from metaplast.tasks.stored import stored

FILE = "omniglot28_background"
"""The name of its file in the folder of data sets."""
DRAWERS, SIDE = 20, 28
HELD_OUT_DRAWERS = 5


def omniglot(
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
    path: str | Path | None = None,
) -> Dataset:
    """Omniglot's background set: 784 binary inputs, 964 characters, each by 20 people.

    As it is, a life meets most characters once; `FewShot(omniglot(split="all"))` makes few-shot
    lives of it. The last 5 people of each character are the test pool.

    Args:
        moments: length of a life.
        held_out: test examples of an episode, by default 200.
        split: of the examples, see `metaplast.tasks.pools.divide`; `all` for `FewShot`, which
            keeps characters apart instead.
        path: an `.npz` with `images_packed`, one bit a pixel, 20 images of each character in
            sequence; by default omniglot28_background.npz in the folder that METAPLAST_DATA names.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a wrong argument or a wrong file.

    References: Lake et al. (2015) doi:10.1126/science.aab3050.
    """
    known_split(split)
    path = Path(path) if path else find(FILE)
    raw = stored(path, ["images_packed"])
    packed = raw["images_packed"]
    size = packed.size // (SIDE * SIDE // 8)
    if packed.dtype != np.uint8 or packed.size != size * SIDE * SIDE // 8 or size % DRAWERS:
        raise ValueError(
            f"data = {str(path)!r}: images_packed of type {packed.dtype} and shape {packed.shape}, "
            f"expected uint8, 98 bytes an image, {DRAWERS} images a character; fetch it again"
        )
    sum_ = verified(path.stem, raw)
    x = np.unpackbits(packed.reshape(size, -1), axis=-1).astype(np.float32)
    x = x.reshape(-1, DRAWERS, SIDE * SIDE)
    y = np.repeat(np.arange(len(x))[:, None], DRAWERS, axis=1)
    test = slice(DRAWERS - HELD_OUT_DRAWERS, None)
    lives = slice(None, DRAWERS - HELD_OUT_DRAWERS)
    pools = Pools(
        x[:, lives].reshape(-1, SIDE**2), y[:, lives].reshape(-1),
        x[:, test].reshape(-1, SIDE**2), y[:, test].reshape(-1),
    )  # fmt: skip
    return Dataset(
        *divide(pools, split), classes=len(x), moments=moments, held_out=held_out,
        name=title("omniglot", split), checksum=sum_,
    )  # fmt: skip
