"""Recordings of event cameras, whatever the form: the ending of a file says who reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from metaplast.tasks.recordings.aedat import read_aedat
from metaplast.tasks.recordings.atis import read_atis
from metaplast.tasks.recordings.ferried import read_ferried
from metaplast.tasks.recordings.hdf5_events import read_hdf5_events
from metaplast.tasks.stored import stored

Read = Callable[[Path, tuple[int, int]], dict[str, np.ndarray]]
"""A reader: of a path, and of the camera's height and width in pixels, it makes columns `x`, rows
`y`, times `t` in any unit, and polarities `p`, brighter where above 0."""

READERS: dict[str, Read] = {
    ".npz": lambda path, size: stored(path, ("t", "x", "y", "p")),
    ".bin": lambda path, size: read_atis(path, size[0]),
    ".aedat": read_aedat,
    ".aedat4": read_ferried,
    ".dat": read_ferried,
    ".raw": read_ferried,
    ".h5": read_hdf5_events,
    ".hdf5": read_hdf5_events,
}
"""Readers by the ending of the file, lower case. A new form is one file and one line here."""


def recording(path: Path, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """The events of one recording: integers `x` and `y`, times `t`, polarities `p`.

    Args:
        path: a file with an ending of `READERS`.
        size: height and width of the camera in pixels.

    Raises:
        FileNotFoundError: no such file.
        ImportError: a library is missing that the form needs.
        ValueError: an unknown ending, a file that cannot be read or without events, fields of more
            or fewer axes than one, pixels that are no integers.
    """
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise ValueError(
            f"data = {str(path)!r}: ends in {path.suffix!r}, expected {', '.join(READERS)}; "
            "convert it, or give an .npz of t x y p"
        )
    events = read(path, size)
    for key in "txyp":
        if events[key].ndim != 1 or len(events[key]) == 0:
            raise ValueError(
                f"data = {str(path)!r}: {key} has shape {events[key].shape}, expected [events], "
                "one or more; save it so, or remove the file"
            )
    for key in "xy":
        with np.errstate(invalid="ignore"):  # what is not finite is refused in the next line
            whole = events[key].astype(np.int64)
        if not np.array_equal(whole, events[key]):
            wrong = events[key][whole != events[key]][0]
            raise ValueError(
                f"data = {str(path)!r}: {key} holds values that are no integers, first {wrong}, "
                "expected pixels; save them as integers"
            )
        events[key] = whole
    return events
