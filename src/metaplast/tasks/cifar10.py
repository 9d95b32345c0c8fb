"""CIFAR-10 from an .npz of JPEG images."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np

from metaplast.tasks.check import at_least
from metaplast.tasks.checksum import verified
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.folder import find
from metaplast.tasks.pictures import pillow
from metaplast.tasks.pools import Pools, divide, known_split, some_of, title
from metaplast.tasks.stored import stored

FILE = "cifar10_jpeg_full"
"""The name of its file in the folder of data sets."""
SHAPE = (32, 32, 3)
_KEYS = (
    "jpeg_header", "jpeg_train", "len_train", "y_train", "jpeg_test", "len_test", "y_test",
)  # fmt: skip


def cifar10(
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
    most: int = 10_000,
    path: str | Path | None = None,
) -> Dataset:
    """CIFAR-10, slightly compressed: 3072 inputs in [0, 1] (rows, columns, colors), 10 classes.

    Needs Pillow. Decoding takes about a tenth of a millisecond an image, and an image
    12 KiB of memory, so no more than `most` are decoded.

    Args:
        moments: length of a life.
        held_out: test examples of an episode, by default 200.
        split: see `metaplast.tasks.pools.divide`.
        most: so many images of each pool are used, always the same ones.
        path: an `.npz` with the bodies of all JPEG files in sequence, their lengths, one header
            and the labels; by default cifar10_jpeg_full.npz in the folder that METAPLAST_DATA
            names.

    Raises:
        FileNotFoundError: no such file.
        ImportError: Pillow is missing.
        ValueError: a wrong argument or a wrong file.

    References: Krizhevsky (2009), Learning multiple layers of features from tiny images.
    """
    known_split(split)
    at_least("most", most, 10, "give how many images are decoded")
    path = Path(path) if path else find(FILE)
    raw = stored(path, _KEYS)
    sum_ = verified(path.stem, raw)
    pools = Pools(*_pool(raw, "train", most, path), *_pool(raw, "test", most, path))
    return Dataset(
        *divide(pools, split, len(raw["y_train"])), classes=10, moments=moments, held_out=held_out,
        name=title("cifar10", split), checksum=sum_,
    )  # fmt: skip


def _pool(raw, pool: str, most: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures `[examples, 3072]` in [0, 1] and labels of one pool."""
    image = pillow("cifar10")
    header, body = raw["jpeg_header"].tobytes(), raw[f"jpeg_{pool}"].tobytes()
    ends = np.r_[0, np.cumsum(raw[f"len_{pool}"].astype(np.int64))]
    labels = raw[f"y_{pool}"].astype(np.int64)
    if ends[-1] != len(body) or len(labels) != len(ends) - 1:
        raise ValueError(
            f"data = {str(path)!r}: {len(body)} bytes and {len(labels)} labels in {pool}, expected "
            f"{ends[-1]} and {len(ends) - 1} by len_{pool}; fetch the file again"
        )
    chosen = some_of(len(labels), most)
    x = np.empty((len(chosen), *SHAPE), np.uint8)
    for row, i in enumerate(chosen):
        file = io.BytesIO(header + body[ends[i] : ends[i + 1]])
        try:
            picture = image.open(file).convert("RGB")
        except (OSError, SyntaxError, ValueError, EOFError, struct.error) as fault:
            raise ValueError(
                f"data = {str(path)!r}: example {i} of {pool} is no picture that can be read "
                f"({type(fault).__name__}); fetch the file again"
            ) from None
        if picture.size != SHAPE[1::-1]:
            raise ValueError(
                f"data = {str(path)!r}: example {i} of {pool} has {picture.size[0]} x "
                f"{picture.size[1]} pixels, expected {SHAPE[1]} x {SHAPE[0]}; fetch the file again"
            )
        x[row] = np.asarray(picture)
    return x.reshape(len(x), -1).astype(np.float32) / np.float32(255), labels[chosen]
