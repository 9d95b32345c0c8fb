"""HDF5 files, through h5py, which is optional; each fault is one line."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

PROPHESEE = 0x8ECF
"""The registered number of Prophesee's own compression, for which there is no package."""


@contextlib.contextmanager
def opened(path: Path, argument: str = "data") -> Iterator[Any]:
    """An `h5py.File` to read from. Compressions of `hdf5plugin` are there where it is installed.

    Args:
        path: the file.
        argument: whose value the path is, for messages.

    Raises:
        FileNotFoundError: no such file.
        ImportError: h5py is missing.
        ValueError: no HDF5 file, or a damaged one.
    """
    where = f"{argument} = {str(path)!r}"
    library = _h5py(path)
    if not path.exists():
        raise FileNotFoundError(f"{where}: no such file; check the path")
    try:
        file = library.File(path, "r")
    except OSError as fault:
        raise ValueError(
            f"{where}: no HDF5 file that can be read ({_said(fault)}); fetch it again or remove it"
        ) from None
    with file:
        try:
            yield file
        except (KeyError, OSError, RuntimeError) as fault:  # h5py's, for a part that is damaged
            raise ValueError(
                f"{where}: a damaged HDF5 file ({_said(fault)}); fetch it again or remove it"
            ) from None


def is_dataset(item: Any) -> bool:
    """Whether an item of a file is an array, and no group or named type."""
    return isinstance(item, importlib.import_module("h5py").Dataset)


def names(group: Any) -> str:
    """What a file or a group holds, for a message."""
    return ", ".join(map(str, group)) or "nothing"


def numbers(dataset: Any, where: str) -> np.ndarray:
    """All values of a dataset of numbers with one axis.

    Args:
        dataset: an `h5py.Dataset`.
        where: the argument and its value, for messages.

    Raises:
        ValueError: other values, another shape, a damaged file, an unknown compression.
    """
    if not is_dataset(dataset):
        raise ValueError(f"{where}: {dataset.name} is no dataset, expected numbers; save it so")
    if dataset.ndim != 1 or dataset.dtype.kind not in "biuf":
        raise ValueError(
            f"{where}: {dataset.name} has type {dataset.dtype} and shape {dataset.shape}, expected "
            "numbers with one axis; save it so, or give an .npz"
        )
    return whole(dataset, where)


def whole(dataset: Any, where: str) -> np.ndarray:
    """All values of a dataset, whatever they are.

    Args:
        dataset: an `h5py.Dataset`.
        where: the argument and its value, for messages.

    Raises:
        ValueError: a damaged file, an unknown compression.
    """
    try:
        return dataset[...]
    except (OSError, RuntimeError) as fault:
        unknown = _unknown_filter(dataset)
        if unknown is None:
            raise ValueError(
                f"{where}: {dataset.name} cannot be read ({_said(fault)}); fetch the file again "
                "or remove it"
            ) from None
        number, name = unknown
        fix = "try: python -m pip install hdf5plugin"
        if number == PROPHESEE:
            fix = "give the .raw or .dat of the camera, or install Prophesee's plugin for HDF5"
        raise ValueError(
            f"{where}: {dataset.name} is compressed with {name} (filter {number}), which is not "
            f"installed; {fix}"
        ) from None


def _said(fault: Exception) -> str:
    """The first line of what the library says, for a message of one line."""
    return (str(fault).strip("'\" \n").splitlines() or [""])[0][:120]


def _h5py(path: Path) -> Any:
    try:
        library = importlib.import_module("h5py")
    except ImportError:
        raise ImportError(
            f"{path}: needs the library `h5py`, which is not installed; "
            "try: python -m pip install 'metaplast[events]'"
        ) from None
    with contextlib.suppress(ImportError):
        importlib.import_module("hdf5plugin")
    return library


def _unknown_filter(dataset: Any) -> tuple[int, str] | None:
    """Number and name of a compression that a dataset needs and HDF5 does not find."""
    library = importlib.import_module("h5py")
    how = dataset.id.get_create_plist()
    for i in range(how.get_nfilters()):
        number, _, _, name = how.get_filter(i)
        if not library.h5z.filter_avail(number):
            return number, name.decode("latin-1") or "an unnamed filter"
    return None
