"""Recordings of iniVation's cameras, `.aedat`: which version of the format a file is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from metaplast.tasks.recordings.aedat2 import read_aedat2
from metaplast.tasks.recordings.aedat3 import read_aedat3
from metaplast.tasks.recordings.ferried import read_ferried
from metaplast.tasks.whole_file import whole_file

VERSION = re.compile(rb"#!AER-DAT(\d)\.(\d)\r?\n")
"""The first line of every file since 2010."""


def read_aedat(path: Path, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Read one `.aedat`: version 2.0 (jAER), 3.1 (cAER, DVS128 Gesture) or 4.0 (DV).

    Args:
        path: the file.
        size: height and width of the camera in pixels.

    Returns:
        Columns `x`, rows `y`, times `t` in us, polarities `p` (1 is brighter).

    Raises:
        FileNotFoundError: no such file.
        ImportError: a file of version 4.0 where the library that reads it is missing.
        ValueError: another version, or a file that cannot be read.
    """
    content = whole_file(path)
    found = VERSION.match(content)
    version = ".".join(part.decode() for part in found.groups()) if found else ""
    if version == "4.0":
        return read_ferried(path, size, "aedat")
    read = {"2.0": read_aedat2, "3.1": read_aedat3}.get(version)
    if found is None or read is None:
        begins = f"AEDAT {version}" if found else f"begins with {content[:12].hex() or 'nothing'}"
        raise ValueError(
            f"data = {str(path)!r}: {begins}, expected the line #!AER-DAT2.0, 3.1 or 4.0; convert "
            "it with DV, or give an .npz of t x y p"
        )
    try:
        return read(content[found.end() :])
    except ValueError as fault:
        raise ValueError(f"data = {str(path)!r}: {fault}") from None
