"""Tasks by the name or the path that a user types."""

from __future__ import annotations

import difflib
import functools
import os
from collections.abc import Callable
from pathlib import Path

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.arrays import arrays
from metaplast.tasks.check import at_least
from metaplast.tasks.clusters import Clusters
from metaplast.tasks.dataset import HELD_OUT, Dataset
from metaplast.tasks.digits import digits
from metaplast.tasks.mnist1d import mnist1d
from metaplast.tasks.pools import known_split
from metaplast.tasks.teacher import Teacher

FOLDER = "METAPLAST_DATA"
"""Environment variable that names the folder in which bare names are looked up."""

_POOLED: dict[str, Callable[..., Dataset]] = {"digits": digits, "mnist1d": mnist1d}
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
    make = _POOLED.get(name) or functools.partial(arrays, find(name))
    task = make(moments=moments, held_out=held_out, split=split)
    if split == "bench" and moments > task.x_train.shape[0]:
        task = make(moments=moments, held_out=held_out, split="all")
    return task


def find(name: str) -> Path:
    """The file or folder that a path or a bare name means.

    Raises:
        FileNotFoundError: where there is none, with the near misses.
    """
    path = Path(name)
    if len(path.parts) != 1 or path.suffix in (".npz", ".gz") or "ubyte" in name:
        return path
    folder = os.environ.get(FOLDER, "")
    if folder:
        for candidate in (Path(folder) / f"{name}.npz", Path(folder) / name):
            if candidate.exists():
                return candidate
    if path.exists():
        return path
    raise FileNotFoundError(_not_found(name, folder))


def _not_found(name: str, folder: str) -> str:
    known = [*_POOLED, *_PROCEDURAL]
    if folder and Path(folder).is_dir():
        entries = [p for p in Path(folder).iterdir() if p.suffix == ".npz" or p.is_dir()]
        known += sorted({p.stem if p.suffix == ".npz" else p.name for p in entries})
        where = f"nothing of that name in {folder}, which {FOLDER} names"
    elif folder:
        where = f"{FOLDER} = {folder!r} is no folder"
    else:
        where = f"{FOLDER} is not set, so only bundled names are known"
    near = difflib.get_close_matches(name, known, n=3)
    fix = f"did you mean {' or '.join(near)}?" if near else f"known names: {', '.join(known)};"
    return (
        f"data = {name!r}: {where}; {fix} Give a known name, the path of an .npz or of IDX files, "
        f"or set {FOLDER} to the folder that holds {name}.npz"
    )
