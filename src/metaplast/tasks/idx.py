"""IDX files, the format of the MNIST family: big-endian arrays behind a small header."""

from __future__ import annotations

import gzip
import itertools
import math
import zlib
from pathlib import Path

import numpy as np

from metaplast import toml_text
from metaplast.tasks.pictures import SUFFIXES

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PARTS = {
    "x_train": ("train", "images"),
    "y_train": ("train", "labels"),
    "x_test": ("t10k", "images"),
    "y_test": ("t10k", "labels"),
}


def read_idx(path: Path) -> np.ndarray:
    """Read one IDX file, gzipped or not.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: where it is no IDX file, cut short, or of examples without values.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise FileNotFoundError(f"data = {str(path)!r}: no such file; check the path") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise ValueError(
            f"data = {str(path)!r}: not a whole gzip file ({fault}); fetch it again"
        ) from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise ValueError(
            f"data = {str(path)!r}: begins with {content[:4].hex() or 'nothing'}, expected the "
            "header of an IDX file; give an IDX file or an .npz"
        )
    begin = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:begin], ">u4").tolist()) if len(content) >= begin else ()
    dtype = np.dtype(_TYPES[content[2]])
    expected = begin + math.prod(shape) * dtype.itemsize
    if len(shape) != content[3] or len(content) != expected:
        raise ValueError(
            f"data = {str(path)!r}: {len(content)} bytes for shape {list(shape)}, expected "
            f"{expected}; fetch the file again"
        )
    if 0 in shape[1:]:
        raise ValueError(
            f"data = {str(path)!r}: shape {list(shape)}, expected 1 value or more for each "
            "example; fetch the file again"
        )
    array = np.frombuffer(content, dtype, offset=begin).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


def find_idx(path: Path) -> dict[str, Path]:
    """The four files of a data set, by their customary names.

    Args:
        path: a folder that holds `train-images-idx3-ubyte` and its three companions
            (`t10k` or `test` for the test pool; any prefix; `.gz` or not), or one of
            these files.

    Returns:
        Paths under `x_train`, `y_train`, `x_test`, `y_test`.

    Raises:
        ValueError: where a file is missing, or two fit equally well; for class folders of pictures
            it tells the table that reads them.
    """
    if not path.is_dir() and "idx" not in path.name:
        raise ValueError(
            f"data = {str(path)!r}: neither an .npz nor an IDX file by its name, expected one such "
            "as train-images-idx3-ubyte.gz; give an .npz, an IDX file or a folder of them"
        )
    folder = path if path.is_dir() else path.parent
    prefix = None if path.is_dir() else _prefix(path.name)
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and "idx" in p.name)
    return {key: folder / _only(key, names, prefix, folder) for key in _PARTS}


def _only(key: str, names: list[str], prefix: str | None, folder: Path) -> str:
    """The one name that fits a part, of that prefix where one is given; the unpacked file is
    preferred to its `.gz`."""
    pool, content = _PARTS[key]
    fitting = {
        name.removesuffix(".gz"): name
        for name in reversed(names)  # "x" sorts before "x.gz", so it is set last and wins
        if prefix in (None, _prefix(name)) and content in name and _pool(name) == pool
    }
    if len(fitting) != 1:
        found = ", ".join(fitting.values()) or "none"
        fix = "give the path of one of them" if fitting else "put it there, or give an .npz"
        if not names and _holds_pictures(folder):
            table = toml_text.value({"type": "image_folder", "path": str(folder)})
            fix = f"for the pictures in its sub-folders give {table}"
        raise ValueError(
            f"data = {str(folder)!r}: {found} for {key}, expected one file such as "
            f"{pool}-{content}-idx{3 if content == 'images' else 1}-ubyte; {fix}"
        )
    return next(iter(fitting.values()))


def _holds_pictures(folder: Path) -> bool:
    """Whether sub-folders hold pictures, or those of a sub-folder `train` do, as
    `metaplast.tasks.image_folder` reads them."""
    files = itertools.chain(folder.glob("[!.]*/*"), folder.glob("train/[!.]*/*"))
    return any(file.suffix.lower() in SUFFIXES for file in files)


def _pool(name: str) -> str:
    if "train" in name:
        return "train"
    return "t10k" if "t10k" in name or "test" in name else ""


def _prefix(name: str) -> str:
    """What comes before the name of the pool: `emnist-letters-` of `emnist-letters-train-...`."""
    starts = [name.find(word) for word in ("train", "t10k", "test") if word in name]
    return name[: min(starts)] if starts else ""
