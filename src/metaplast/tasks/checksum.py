"""Whether a data set of a known name is the one that others have under it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from metaplast.tasks.abstract import AbstractTask

KNOWN: dict[str, str] = {
    "bccd_det": "6bd1d6c57f32bf33cbc3d7c35ccb4f06cd6531e614add7254d3f14c6bf543232",
    "cifar10_jpeg_full": "a676d7363d7bed5494f01f2764763a10e01fd0405823bee96aa46a4dab0d7f26",
    "coil20": "b30a3b9620689f406b5565b1ee4c2ee87c7aef5883f8acb24d3113d73053c9cd",
    "fashion-mnist": "fc746cf33e088fb8a4a20a20fb531920c458697ca6f90f81ce7c0a3afbb4bf20",
    "fsdd_mel": "5ebc0443e51e817a2f689d239799ce470961656c5ec1cc83060e1b481b0deef9",
    "mnist": "76b7fc7e46d6dbf3be32e0dd2132a2e380f3098c6222f76d4c6f45dfb69c2100",
    "nmnist_small": "b3d8e4df2d5da59ab5df04751d4168d27364cb0d618c2a5eb2246aa5f87890e2",
    "omniglot28_background": "515668ea0f60089f91138938d8b2fcee3bb454489d1dea97070251767b8ccf52",
}
"""SHA-256 of the arrays that this project is developed and measured on, by the name of their
file. MNIST and Fashion-MNIST are the published arrays; the others were packed for this project."""


def checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, types, shapes and values, whatever the file format and its compression.

    Arrays are taken in the order of their names, values in C order and little-endian.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def verified(name: str, arrays: Mapping[str, np.ndarray]) -> str:
    """The checksum of a data set; a warning where another one is known under its name.

    It is a warning, not an error: a file of one's own may have any name, and the same images may
    come in another shape or type.
    """
    found, expected = checksum(arrays), KNOWN.get(name)
    if expected not in (None, found):
        warnings.warn(
            f"data = {name!r}: sha256 {found[:16]}..., expected {expected[:16]}..., so its figures "
            "are not those of others; rename the file if it is another data set, or fetch it again",
            stacklevel=3,
        )
    return found


def checksums(task: AbstractTask) -> dict[str, str]:
    """Of all data sets of a task, however deep it is wrapped, by name; none where nothing was
    read from a file. Of two that share a name the second is named with the beginning of its sum."""
    found: dict[str, str] = {}
    for name, sum_ in _sums(task):
        unlike = found.get(name, sum_) != sum_
        found[f"{name}, {sum_[:8]}" if unlike else name] = sum_
    return found


def _sums(task: AbstractTask) -> Iterator[tuple[str, str]]:
    if sum_ := getattr(task, "checksum", ""):
        yield getattr(task, "name", "data"), sum_
    for inner in (getattr(task, "task", None), *getattr(task, "tasks", ())):
        if inner is not None:
            yield from _sums(inner)
