"""The arrays of an .npz: nothing in the file can run code, and each fault is one line."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def stored(
    path: Path, keys: Sequence[str] | None = None, argument: str = "data"
) -> dict[str, np.ndarray]:
    """Read the arrays of some keys.

    Args:
        path: an `.npz`.
        keys: names of arrays of numbers; objects and text are refused. By default all there are.
        argument: whose value the path is, for messages.

    Raises:
        FileNotFoundError: no such file.
        ValueError: missing keys, objects, a damaged file.
    """
    where = f"{argument} = {str(path)!r}"
    try:
        with open(path, "rb") as opened:
            if not zipfile.is_zipfile(opened):  # a lone array or a pickle under this name
                raise _Refused("not an .npz; save it with numpy.savez")
        with np.load(path, allow_pickle=False) as file:
            wanted = file.files if keys is None else keys
            missing = [key for key in wanted if key not in file.files]
            if missing:
                raise _Refused(
                    f"no {', '.join(missing)}, expected {', '.join(wanted)}, found "
                    f"{', '.join(file.files) or 'nothing'}; save the arrays under these names"
                )
            return {key: _plain(file, key) for key in wanted}
    except _Refused as fault:
        raise ValueError(f"{where}: {fault}") from None
    except FileNotFoundError:
        raise FileNotFoundError(f"{where}: no such file or folder; check the path") from None
    except (PermissionError, IsADirectoryError) as fault:
        raise ValueError(
            f"{where}: {fault.strerror}, expected a file that may be read; check its rights"
        ) from None
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error):
        raise ValueError(f"{where}: a damaged .npz; save it again with numpy.savez") from None


class _Refused(Exception):
    """A reason of our own, to be told apart from NumPy's."""


def _plain(file, key: str) -> np.ndarray:
    """One array, if it holds plain values; NumPy refuses to unpickle objects."""
    try:
        array = file[key]
    except ValueError as fault:
        if "pickle" not in str(fault):
            raise
        raise _Refused(
            f"{key} holds Python objects, expected numbers; save a plain array of numbers"
        ) from None
    if array.dtype.kind in "US" and key.startswith("y_"):
        raise _Refused(
            f"{key} holds names (type {array.dtype}), expected numbers; number the classes from 0, "
            "the same in train and test"
        )
    if array.dtype.kind not in "biuf":
        raise _Refused(f"{key} has type {array.dtype}, expected numbers; convert it before saving")
    return array
