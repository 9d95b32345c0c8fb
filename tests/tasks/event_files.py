"""Recordings in the forms of event cameras, written byte by byte after the formats' documents, so
that no reader is tested with its own writer."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

CHIP = b"# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128\r\n"
SIZE = (34, 34)
"""Height and width of the camera."""


def events(count: int = 60, seed: int = 0) -> dict[str, np.ndarray]:
    """Columns, rows, times in us and polarities, in order of time; no two of the four agree."""
    chance = np.random.default_rng(seed)
    return {
        "t": np.sort(chance.integers(100, 200_000, count)),
        "x": chance.integers(0, SIZE[1], count),
        "y": chance.integers(0, SIZE[0], count),
        "p": np.arange(count) % 3 % 2,
    }


def aedat2(e, chip: bytes = CHIP) -> bytes:
    """As jAER writes them: what is brighter has bit 0 clear in a DVS128, and bit 11 set in a
    DAVIS. An event of no pixel is put before all others."""
    head = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n" + chip
    if b"davis" in chip.lower():
        address = e["y"] << 22 | e["x"] << 12 | e["p"] << 11
        other = [(1 << 31 | 5 << 22 | 77, 3), (1 << 10, 4)]
    else:
        address = e["y"] << 8 | e["x"] << 1 | (1 - e["p"])
        other = [(1 << 15 | 9 << 8, 3)]
    pairs = [*other, *zip(address.tolist(), e["t"].tolist(), strict=True)]
    return head + b"".join(struct.pack(">II", *pair) for pair in pairs)


def packet(kind: int, body: bytes, size: int = 8, overflow: int = 0, room: int = 0) -> bytes:
    """One of AEDAT 3.1; `room` for more events than there are is filled with what is no event."""
    count = len(body) // size
    room = max(room, count)
    head = struct.pack("<hhiiiiii", kind, 1, size, 4, overflow, room, count, count)
    return head + body + b"\xff" * (size * (room - count))


def polarity(e, valid: int = 1) -> bytes:
    data = e["x"] << 17 | e["y"] << 2 | e["p"] << 1 | valid
    pairs = zip(data.tolist(), e["t"].tolist(), strict=True)
    return b"".join(struct.pack("<II", *pair) for pair in pairs)


def aedat3(e) -> bytes:
    """Two packets of pixels, between them one of another kind, and events that are not valid."""
    head = (
        b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n"
        b"#Start-Time: 2016-09-09 12:00:00 (TZ+0200)\r\n#!END-HEADER\r\n"
    )
    first, last = ({k: v[s] for k, v in e.items()} for s in (slice(0, 20), slice(20, None)))
    return head + b"".join([
        packet(1, polarity(first), room=25), packet(0, bytes(range(16))),
        packet(3, bytes(72), size=36), packet(1, polarity(events(7, 1), valid=0) + polarity(last)),
    ])  # fmt: skip


def aedat4(e) -> bytes:
    """As DV writes them without compression: a header and one packet, no table of contents."""
    info = (
        '<dv version="2.0"><node name="outInfo" path="/mainloop/Recorder/outInfo/">'
        '<node name="0" path="/mainloop/Recorder/outInfo/0/">'
        '<attr key="compression" type="string">NONE</attr>'
        '<attr key="originalOutputName" type="string">events</attr>'
        '<attr key="typeIdentifier" type="string">EVTS</attr>'
        '<node name="info" path="/mainloop/Recorder/outInfo/0/info/">'
        f'<attr key="sizeX" type="int">{SIZE[1]}</attr>'
        f'<attr key="sizeY" type="int">{SIZE[0]}</attr>'
        '<attr key="source" type="string">DVXplorer</attr></node></node></node></dv>'
    )
    body = _table(b"EVTS", lambda b: [("vector", _structs(b, e))])
    head = _table(b"IOHE", lambda b: [
        ("int", 0), ("long", -1), ("offset", b.CreateString(info)),
    ])  # fmt: skip
    return b"#!AER-DAT4.0\r\n" + head + struct.pack("<ii", 0, len(body)) + body


def _structs(builder, e) -> int:
    """A vector of events: 64 bits of time, 16 of column, 16 of row, 8 of polarity, 24 empty."""
    builder.StartVector(16, len(e["t"]), 8)
    for i in reversed(range(len(e["t"]))):
        builder.Prep(8, 16)
        builder.Pad(3)
        builder.PrependBool(bool(e["p"][i]))
        builder.PrependInt16(int(e["y"][i]))
        builder.PrependInt16(int(e["x"][i]))
        builder.PrependInt64(int(e["t"][i]))
    return builder.EndVector()


def _table(identifier: bytes, fields) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    made = fields(builder)
    builder.StartObject(len(made))
    for slot, (kind, value) in enumerate(made):
        if kind == "int":
            builder.PrependInt32Slot(slot, value, -9)
        elif kind == "long":
            builder.PrependInt64Slot(slot, value, -9)
        else:
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
    builder.FinishSizePrefixed(builder.EndObject(), file_identifier=identifier)
    return bytes(builder.Output())


def dat(e) -> bytes:
    head = b"% Data file containing CD events\n% Version 2\n% Width 34\n% Height 34\n\x0c\x08"
    place = e["x"] | e["y"] << 14 | e["p"] << 28
    pairs = zip(e["t"].tolist(), place.tolist(), strict=True)
    return head + b"".join(struct.pack("<II", *pair) for pair in pairs)


def evt2(e) -> bytes:
    words = []
    for t, x, y, p in zip(*(e[k].tolist() for k in "txyp"), strict=True):
        words += [0x8 << 28 | t >> 6, p << 28 | (t & 63) << 22 | x << 11 | y]
    head = b"% evt 2.0\n% format EVT2;height=34;width=34\n% end\n"
    return head + b"".join(struct.pack("<I", word) for word in words)


def evt3(e) -> bytes:
    words = []
    for t, x, y, p in zip(*(e[k].tolist() for k in "txyp"), strict=True):
        words += [0x8 << 12 | t >> 12, 0x6 << 12 | t & 0xFFF, y, 0x2 << 12 | p << 11 | x]
    head = b"% evt 3.0\n% format EVT3;height=34;width=34\n% end\n"
    return head + b"".join(struct.pack("<H", word) for word in words)


def hdf5(e, path: Path, form: str = "group", **options) -> None:
    """DSEC's form, Prophesee's, or the one with plurals."""
    import h5py

    with h5py.File(path, "w") as file:
        if form == "prophesee":
            kinds = [("x", "<u2"), ("y", "<u2"), ("p", "<i2"), ("t", "<i8")]
            table = np.zeros(len(e["t"]), kinds)
            for key in "xypt":
                table[key] = e[key]
            file.create_dataset("CD/events", data=table, **options)
            file.create_dataset("EXT_TRIGGER/events", data=np.zeros(3))
            return
        for key in "xypt":
            name = f"events/{key}" if form == "group" else f"events/{key}s"
            kind = {"x": "u2", "y": "u2", "p": "u1", "t": "i8" if form == "group" else "f8"}[key]
            file.create_dataset(name, data=e[key].astype(kind), **options)


FORMS = {
    "dvs128.aedat": aedat2,
    "davis.aedat": lambda e: aedat2(e, b"# AEChip: eu.seebetter.ini.chips.davis.DAVIS240C\r\n"),
    "old_dvs128.aedat": lambda e: aedat2(e, b""),
    "old_davis.aedat": lambda e: aedat2(e, b"# davis, but no line that names the chip\r\n"),
    "caer.aedat": aedat3,
    "dv.aedat": aedat4,
    "dv.aedat4": aedat4,
    "cd.dat": dat,
    "evt2.raw": evt2,
    "evt3.RAW": evt3,
    "dsec.h5": "group",
    "plural.hdf5": "plural",
    "prophesee.hdf5": "prophesee",
}


def write(path: Path, e, form: str) -> Path:
    """A recording in one of `FORMS`."""
    how = FORMS[form]
    if isinstance(how, str):
        hdf5(e, path, how)
    else:
        path.write_bytes(how(e))
    return path
