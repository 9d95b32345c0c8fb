"""Where data sets lie: the folder that METAPLAST_DATA names."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

FOLDER = "METAPLAST_DATA"
"""Environment variable that names the folder in which bare names are looked up; `~` is the user's
home."""


def find(name: str, known: Iterable[str] = ()) -> Path:
    """The file or folder that a path or a bare name means.

    Args:
        name: a path, which is returned as it is (whatever has a separator or begins with `.` or
            `~` is one); or a bare name such as `mnist`, looked up as `mnist.npz` and as the folder
            `mnist`.
        known: names that need no file, for the near misses of the message.

    Raises:
        FileNotFoundError: where there is none, with the near misses.
    """
    path = Path(name)
    # `Path` drops the "./" and the last "/" by which a user says that it is no bare name.
    written = name.startswith((".", "~")) or any(s in name for s in (os.sep, os.altsep) if s)
    if written or path.suffix in (".npz", ".gz") or "ubyte" in name:
        return path
    folder = os.path.expanduser(os.environ.get(FOLDER, ""))
    if folder:
        for candidate in (Path(folder) / f"{name}.npz", Path(folder) / name):
            if candidate.exists():
                return candidate
    if path.exists():
        return path
    raise FileNotFoundError(_not_found(name, folder, list(known)))


def _not_found(name: str, folder: str, known: list[str]) -> str:
    if folder and Path(folder).is_dir():
        entries = [p for p in Path(folder).iterdir() if p.suffix == ".npz" or p.is_dir()]
        known += sorted({p.stem if p.suffix == ".npz" else p.name for p in entries} - set(known))
        where = f"nothing of that name in {folder}, which {FOLDER} names"
    elif folder:
        where = f"{FOLDER} = {folder!r} is no folder"
    else:
        where = f"{FOLDER} is not set, so only bundled names are known"
    near = difflib.get_close_matches(name, known, n=3)
    listed = f"known names: {', '.join(known)}; " if known else ""
    fix = f"did you mean {' or '.join(near)}? Give" if near else f"{listed}give"
    return (
        f"data = {name!r}: {where}; {fix} a known name, the path of an .npz or of IDX files, "
        f"or set {FOLDER} to the folder that holds {name}.npz"
    )
