"""Events in 40 bits each, as N-MNIST and N-Caltech101 store what the camera ATIS reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metaplast.tasks.whole_file import whole_file

EVENT = 5
"""Bytes of an event."""
ROWS = 240
"""Of the camera, so that an event in row 240 is none: it marks an overflow of its clock."""
OVERFLOW = 2**13
"""Microseconds that such a mark adds to all later times."""
WRAP = 2**23
"""Microseconds after which the times of a file begin again: they have 23 bits."""


def read_atis(path: Path, height: int = ROWS) -> dict[str, np.ndarray]:
    """Read one `.bin`: 8 bits of column, 8 of row, 1 of polarity, 23 of time in us, big-endian.

    Times begin again after 8.39 s, and a longer recording is put together again: events are in
    order, so a fall by more than half of that is a new beginning (a silence longer than 4.19 s
    cannot be told). Marks of overflow are taken as the authors' own reader takes them
    (github.com/gorchard/event-Python); in files of N-MNIST there are none.

    Args:
        path: the file.
        height: rows of the camera; where there are more than 240, row 240 is one like others.

    Returns:
        Columns `x`, rows `y`, times `t` in us, polarities `p` (1 is brighter).

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file that may not be read, is empty or cut short, or whose times fall.

    References: Orchard et al. (2015) doi:10.3389/fnins.2015.00437.
    """
    where = f"data = {str(path)!r}"
    raw = np.frombuffer(whole_file(path), np.uint8)
    if len(raw) == 0 or len(raw) % EVENT:
        raise ValueError(
            f"{where}: {len(raw)} bytes, expected {EVENT} for each event and one event or more; "
            "fetch the file again or remove it"
        )
    x, y, *rest = raw.reshape(-1, EVENT).astype(np.int64).T
    t = (rest[0] & 127) << 16 | rest[1] << 8 | rest[2]
    marks = y == (ROWS if height <= ROWS else -1)
    t = (t + OVERFLOW * np.cumsum(marks))[~marks]
    t[1:] += WRAP * np.cumsum(np.diff(t) < -WRAP // 2)
    falls = np.flatnonzero(np.diff(t) < 0)
    if len(falls):
        at = falls[0]
        raise ValueError(
            f"{where}: times fall from {t[at]} to {t[at + 1]} us after event {at + 1}, expected "
            "events of 40 bits in order; give such a file, or an .npz of t x y p in any order"
        )
    return {"x": x[~marks], "y": y[~marks], "t": t, "p": rest[0][~marks] >> 7}
