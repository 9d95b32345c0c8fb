"""AEDAT 2.0: an address and a time in 32 bits each, as jAER writes them."""

from __future__ import annotations

import re

import numpy as np

EVENT = 8
"""Bytes of an event."""
WRAP = 2**32
"""Microseconds after which times begin again."""
_LINE = re.compile(rb"#[\t\x20-\xff]*\r?\n")
"""A line of the header. An event may begin with the byte of `#` as well, but with no text."""
_CHIP = re.compile(rb"# ?AEChip: *([^\r\n]*)")


def read_aedat2(content: bytes) -> dict[str, np.ndarray]:
    """Read what follows the version line.

    How an address is made up depends on the camera. Of a DVS128, bit 15 and those above mark what
    is no event of a pixel, 14 to 8 are the row, 7 to 1 the column, and bit 0 is *clear* where the
    pixel became brighter: so jAER, which writes these files, reads it, though the format's page
    says the opposite. Of a DAVIS, bits 31 (a picture, or motion) and 10 (a signal from outside)
    mark what is no event of a pixel, 30 to 22 are the row, 21 to 12 the column, and bit 11 is set
    where the pixel became brighter. The header's line `AEChip` names the camera; older files have
    none, and are a DVS128's unless addresses need more bits.

    Rows and columns are as stored: rows from the bottom, unlike those of later versions.

    Args:
        content: lines of the header that begin with `#`, then events, big-endian.

    Returns:
        Columns `x`, rows `y`, times `t` in us, polarities `p` (1 is brighter).

    Raises:
        ValueError: a file that is cut short or without events of pixels, another camera.

    References: iniVation, AEDAT 2.0, docs.inivation.com; jAER's DVS128 and DavisChip,
    github.com/SensorsINI/jaer; Lichtsteiner et al. (2008) doi:10.1109/JSSC.2007.914337.
    """
    begin = 0
    while line := _LINE.match(content, begin):
        begin = line.end()
    body = content[begin:]
    if not body or len(body) % EVENT:
        raise ValueError(
            f"{len(body)} bytes after the header, expected {EVENT} for each event and one event or "
            "more; fetch the file again or remove it"
        )
    address, time = np.frombuffer(body, ">u4").reshape(-1, 2).astype(np.int64).T
    if _of_davis(content[:begin], address):
        seen = (address & (1 << 31 | 1 << 10)) == 0
        x, y, p = address >> 12 & 1023, address >> 22 & 511, address >> 11 & 1
    else:
        seen = address < 1 << 15
        x, y, p = address >> 1 & 127, address >> 8 & 127, 1 - (address & 1)
    if not seen.any():
        raise ValueError(
            f"{len(seen)} events and none of a pixel, expected some of a DVS128 or a DAVIS; remove "
            "the file, or give an .npz of t x y p"
        )
    time[1:] += WRAP * np.cumsum(np.diff(time) < -WRAP // 2)
    return {"x": x[seen], "y": y[seen], "t": time[seen], "p": p[seen]}


def _of_davis(header: bytes, address: np.ndarray) -> bool:
    """Whether a DAVIS was recorded; else it was a DVS128."""
    line = _CHIP.search(header)
    if line is None:
        return bool((address >= 1 << 16).any())
    chip = line[1].decode("latin-1").strip()
    kind = chip.rpartition(".")[2].lower()
    if "davis" in kind or "sbret" in kind:
        return True
    if "dvs128" in kind or "tmpdiff128" in kind:
        return False
    raise ValueError(
        f"AEChip: {chip[:80]!r}, expected a DVS128 or a DAVIS; convert it with DV, or give an "
        ".npz of t x y p"
    )
