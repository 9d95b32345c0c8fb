"""AEDAT 3.1: packets of events of one kind each, as cAER wrote them (DVS128 Gesture)."""

from __future__ import annotations

import struct

import numpy as np

HEADER = struct.Struct("<hhiiiiii")
"""Of a packet: kind, source, bytes of an event, where its time is, overflows of the time, events
that there is room for, events, and those of them that are valid."""
POLARITY = 1
"""The kind of packets with events of pixels."""
EVENT = 8
"""Bytes of such an event."""
END = b"#!END-HEADER"


def read_aedat3(content: bytes) -> dict[str, np.ndarray]:
    """Read what follows the version line.

    An event of a pixel has 32 bits of data and 31 of time. Of the data, bits 31 to 17 are the
    column, 16 to 2 the row from the top, 1 is set where the pixel became brighter, and 0 where
    the event is valid; others are left out, as are packets of other kinds (pictures, motion).

    Args:
        content: lines of the header up to `#!END-HEADER`, then packets, little-endian.

    Returns:
        Columns `x`, rows `y`, times `t` in us, polarities `p` (1 is brighter).

    Raises:
        ValueError: no end of the header, a file that is cut short or without events of pixels.

    References: iniVation, AEDAT 3.1, docs.inivation.com; Amir et al. (2017)
    doi:10.1109/CVPR.2017.781, whose data set has this form.
    """
    ends = content.find(END)
    at = content.find(b"\n", ends) + 1
    if ends < 0 or at == 0:
        raise ValueError(f"no line {END.decode()}, expected one; fetch the file again or remove it")
    data, times = [], []
    while at < len(content):
        packet, at = _packet(content, at)
        if packet is not None:
            data.append(packet[0])
            times.append(packet[1])
    value = np.concatenate([*data, np.zeros(0, np.int64)])
    valid = (value & 1) == 1
    if not valid.any():
        raise ValueError(
            f"{len(value)} events of pixels and none of them valid, expected some; remove the file"
        )
    value, time = value[valid], np.concatenate(times)[valid]
    return {"x": value >> 17 & 0x7FFF, "y": value >> 2 & 0x7FFF, "t": time, "p": value >> 1 & 1}


def _packet(content: bytes, at: int) -> tuple[tuple[np.ndarray, np.ndarray] | None, int]:
    """Data and times of a packet, none where it is of another kind; and where the next begins."""
    begin = at + HEADER.size
    if begin > len(content):
        raise _damaged(at, f"{len(content) - at} bytes are left, expected {HEADER.size}")
    kind, _, size, _, overflow, room, events, _ = HEADER.unpack_from(content, at)
    if size <= 0 or not 0 <= events <= room or (kind == POLARITY and size != EVENT):
        raise _damaged(at, f"{events} of {room} events of {size} bytes, expected {EVENT} bytes")
    end = begin + size * room
    if end > len(content):
        raise _damaged(at, f"{len(content) - begin} bytes are left, expected {size * room}")
    if kind != POLARITY:
        return None, end
    data, time = np.frombuffer(content, "<u4", 2 * events, begin).reshape(-1, 2).astype(np.int64).T
    return (data, (time & 0x7FFFFFFF) + (overflow << 31)), end


def _damaged(at: int, found: str) -> ValueError:
    return ValueError(
        f"in the packet {at} bytes after the version line: {found}; fetch the file again or "
        "remove it"
    )
