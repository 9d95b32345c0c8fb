"""Tasks by the name or the path that a user types."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.arrays import arrays
from metaplast.tasks.check import at_least
from metaplast.tasks.cifar10 import cifar10
from metaplast.tasks.clusters import Clusters
from metaplast.tasks.dataset import HELD_OUT, Dataset
from metaplast.tasks.digits import digits
from metaplast.tasks.folder import find
from metaplast.tasks.mnist1d import mnist1d
from metaplast.tasks.nmnist import nmnist
from metaplast.tasks.omniglot import omniglot
from metaplast.tasks.pools import known_split
from metaplast.tasks.teacher import Teacher

_POOLED: dict[str, Callable[..., Dataset]] = {"digits": digits, "mnist1d": mnist1d}
_FILED: dict[str, Callable[..., Dataset]] = {
    "cifar10": cifar10, "nmnist": nmnist, "omniglot": omniglot,
}  # fmt: skip
"""Data sets in a file of a form of their own, which lies in the folder of data sets."""
_FORMS = {"cifar10_jpeg_full": cifar10, "nmnist_small": nmnist, "omniglot28_background": omniglot}
"""The same, by the name of that file."""
_PROCEDURAL: dict[str, Callable[..., AbstractTask]] = {"clusters": Clusters, "teacher": Teacher}


def named(
    data: str | Path,
    moments: int = 300,
    held_out: int | None = None,
    split: str = "bench",
) -> AbstractTask:
    """The task that a user means.

    Args:
        data: `digits`, `mnist1d`, `clusters`, `teacher`; the path of an `.npz`, of a folder
            of IDX files or of one of them; or a bare name such as `mnist`, looked up as
            `mnist.npz` or as the folder `mnist` in the folder that METAPLAST_DATA names.
            `omniglot`, `cifar10` and `nmnist` are looked up there under the names of their files.
        moments: length of a life.
        held_out: test examples of an episode; by default 200, or as many as there are.
        split: `search` or `bench`, which share no example, or `all`. A `bench` life longer
            than its pool is drawn from `all` instead, and the task's name says so. Worlds of
            `clusters` and `teacher` are new in every life, in each split.

    Raises:
        FileNotFoundError: no such file, or no such name.
        ValueError: a wrong argument or a wrong file.
    """
    at_least("moments", moments, 1, "give the length of a life")
    known_split(split)
    name = str(data)
    if name in _PROCEDURAL:
        return _PROCEDURAL[name](
            moments=moments, held_out=HELD_OUT if held_out is None else held_out
        )
    make = _POOLED.get(name) or _from_file(name)
    task = make(moments=moments, held_out=held_out, split=split)
    if split == "bench" and moments > task.x_train.shape[0]:
        task = make(moments=moments, held_out=held_out, split="all")
    return task


def _from_file(name: str) -> Callable[..., Dataset]:
    """How to read what a path or a bare name means; a file of just this name comes first."""
    try:
        path = find(name, [*_POOLED, *_PROCEDURAL, *_FILED])
    except FileNotFoundError:
        if name in _FILED:
            return _FILED[name]
        raise
    return functools.partial(_FORMS.get(path.stem, arrays), path=path)
