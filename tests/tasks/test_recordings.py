"""Files of event cameras: every form says the same events; what is damaged is refused in a line."""

import sys

import numpy as np
import pytest

from metaplast.tasks import event_folder
from metaplast.tasks.recordings import READERS, recording
from tasks import event_files
from tasks.event_files import FORMS, SIZE

KNOWN = event_files.events()


def same(found, known) -> bool:
    return all(np.array_equal(np.asarray(found[key], float), known[key]) for key in "txyp")


def test_every_ending_has_a_form_here():
    endings = {"." + name.rpartition(".")[2].lower() for name in FORMS}
    assert endings | {".npz", ".bin"} == set(READERS)


@pytest.mark.parametrize("form", FORMS)
def test_a_recording_is_read_event_by_event(tmp_path, form):
    for key in "txyp":
        assert np.unique(KNOWN[key]).size > 1
    found = recording(event_files.write(tmp_path / form, KNOWN, form), SIZE)
    assert same(found, KNOWN)
    other = KNOWN | {"p": 1 - KNOWN["p"]}
    assert not same(recording(event_files.write(tmp_path / form, other, form), SIZE), KNOWN)


def test_all_forms_of_a_recording_are_one_task(tmp_path):
    sums = set()
    for form in ("npz", *FORMS):
        folder = tmp_path / form.replace(".", "_")
        for i in range(20):
            e = event_files.events(seed=i)
            e["y"] = e["y"] // 2 + 17 * (i % 2)
            place = folder / "ab"[i % 2]
            place.mkdir(parents=True, exist_ok=True)
            if form == "npz":
                np.savez(place / f"{i:02}.npz", **e)
            else:
                event_files.write(place / f"{i:02}.{form.rpartition('.')[2]}", e, form)
        task = event_folder(folder, *SIZE, 2, split="all")
        assert task.x_train.sum() == 60 * 16 and task.classes == 2
        sums.add(task.checksum)
    assert len(sums) == 1
    assert event_folder(folder, *SIZE, 3, split="all").checksum not in sums


# -- .npz ------------------------------------------------------------------------------


def at(key, place, value):
    """One event that has another value."""
    return lambda e: e | {key: np.r_[e[key][:place], value, e[key][place + 1 :]]}


def each(change):
    return lambda e: {key: change(array) for key, array in e.items()}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (at("t", 7, np.nan), "t: nan at event 7, expected finite numbers; repair"),
        (at("t", 59, np.inf), "t: inf at event 59, expected finite"),
        (at("p", 3, np.nan), "p: nan at event 3, expected finite"),
        (at("p", 0, -np.inf), "p: -inf at event 0, expected finite"),
        (at("x", 4, 0.5), r"x holds values that are no integers, first 0\.5, expected pixels"),
        (at("y", 4, np.nan), "y holds values that are no integers, first nan, expected"),
        (each(lambda a: a[:0]), r"t has shape \(0,\), expected \[events\], one or more; save"),
        (each(lambda a: a[:, None]), r"t has shape \(60, 1\), expected \[events\]"),
        (lambda e: e | {"x": e["x"][:, None]}, r"x has shape \(60, 1\), expected \[events\]"),
        (lambda e: e | {"x": np.array(3)}, r"x has shape \(\), expected \[events\]"),
        (lambda e: e | {"p": np.array(1)}, r"p has shape \(\), expected \[events\]"),
    ],
)
def test_events_that_cannot_be_counted_are_refused(tmp_path, spoil, says):
    for name in ("a/1", "a/2", "b/1", "b/2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.savez(tmp_path / f"{name}.npz", **KNOWN)
    floats = at("t", 7, float(KNOWN["t"][7]))(KNOWN)
    np.savez(tmp_path / "b" / "2.npz", **floats)  # the control
    assert event_folder(tmp_path, *SIZE, 3, split="all").x_train.sum() == 120
    np.savez(tmp_path / "b" / "2.npz", **spoil(KNOWN))
    with pytest.raises(ValueError, match=rf"data = '.*2\.npz': {says}") as fault:
        event_folder(tmp_path, *SIZE, 3, split="all")
    assert "\n" not in str(fault.value)


# -- AEDAT 2.0 -------------------------------------------------------------------------


def test_addresses_are_read_bit_by_bit(tmp_path):
    path = tmp_path / "a.aedat"
    head = b"#!AER-DAT2.0\r\n" + event_files.CHIP
    path.write_bytes(head + bytes.fromhex("00000304 00000007 00007fff 00000008"))
    found = recording(path, (128, 128))
    assert [found[k].tolist() for k in "xypt"] == [[2, 127], [3, 127], [1, 0], [7, 8]]
    chip = b"# AEChip: eu.seebetter.ini.chips.davis.Davis346blue\r\n"
    path.write_bytes(
        b"#!AER-DAT2.0\r\n" + chip + bytes.fromhex("01802800 00000009 3fd59000 0000000a")
    )
    found = recording(path, (260, 346))
    assert [found[k].tolist() for k in "xypt"] == [[2, 345], [6, 255], [1, 0], [9, 10]]


def test_an_event_that_begins_as_a_comment_does_is_none(tmp_path):
    path = tmp_path / "a.aedat"
    e = {"t": np.array([0x0A0A0A, 0x0A0A0B]), "x": np.array([1, 2]), "y": np.array([140, 141]),
         "p": np.array([1, 0])}  # fmt: skip
    raw = event_files.aedat2(e, b"# AEChip: eu.seebetter.ini.chips.davis.DAVIS240C\r\n")
    assert raw[-16:-15] == b"#" and b"\n" in raw[-16:]
    path.write_bytes(raw[:-32] + raw[-16:])  # without those of no pixel that come first
    assert same(recording(path, (180, 240)), e)


def test_times_beyond_32_bits_go_on(tmp_path):
    path = tmp_path / "a.aedat"
    e = {"t": np.array([2**31 - 1, 2**31, 2**32 - 2, 1]), "x": np.arange(4), "y": np.arange(4),
         "p": np.array([1, 0, 1, 1])}  # fmt: skip
    raw = event_files.aedat2(e).replace(b"\x00\x00\x89\x00\x00\x00\x00\x03", b"")
    path.write_bytes(raw)
    assert recording(path, SIZE)["t"].tolist() == [2**31 - 1, 2**31, 2**32 - 2, 2**32 + 1]


# -- AEDAT 3.1 -------------------------------------------------------------------------


def test_times_beyond_31_bits_are_counted_by_the_packet(tmp_path):
    path = tmp_path / "a.aedat"
    head = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n"
    body = event_files.polarity(KNOWN)
    path.write_bytes(head + event_files.packet(1, body) + event_files.packet(1, body, overflow=2))
    found = recording(path, SIZE)
    np.testing.assert_array_equal(found["t"], np.r_[KNOWN["t"], KNOWN["t"] + 2 * 2**31])


# -- HDF5 ------------------------------------------------------------------------------


def test_compressions_that_h5py_brings_are_read(tmp_path):
    path = tmp_path / "a.h5"
    event_files.hdf5(KNOWN, path, compression="gzip", shuffle=True)
    assert same(recording(path, SIZE), KNOWN)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (0x8ECF, r"/events/x is compressed with .* \(filter 36559\), .* give the \.raw"),
        (32099, r"/events/x is compressed with .* \(filter 32099\), .* install hdf5plugin"),
    ],
)
def test_compressions_that_nobody_brings_are_named(tmp_path, number, says):
    import h5py

    path = tmp_path / "a.h5"
    event_files.hdf5(KNOWN, path)
    with h5py.File(path, "a") as file:
        del file["events/x"]
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_chunk((60,))
        how.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (1,))
        held = h5py.h5d.create(
            file["events"].id, b"x", h5py.h5t.NATIVE_UINT16, h5py.h5s.create_simple((60,)), how
        )
        held.write_direct_chunk((0,), b"\x01" * 120)
    with pytest.raises(ValueError, match=says) as fault:
        recording(path, SIZE)
    assert "\n" not in str(fault.value)


def without(name):
    def spoil(path):
        import h5py

        with h5py.File(path, "a") as file:
            del file[name]

    return spoil


def replaced(name, value):
    def spoil(path):
        import h5py

        with h5py.File(path, "a") as file:
            del file[name]
            file[name] = value

    return spoil


def nested(name):
    def spoil(path):
        import h5py

        with h5py.File(path, "a") as file:
            del file[name]
            file.create_group(name)

    return spoil


def fields(count, kind):
    return np.zeros(count, [(key, kind) for key in "txyp"])


def cut(count):
    return lambda path: path.write_bytes(path.read_bytes()[:count])


def swap(old, new):
    def spoil(path):
        raw = path.read_bytes()
        assert raw.count(old)
        path.write_bytes(raw.replace(old, new))

    return spoil


DAMAGES = [
    ("dvs128.aedat", cut(-3), "485 bytes after the header, expected 8 for each event"),
    ("dvs128.aedat", cut(106), "0 bytes after the header, expected 8 .* one event or more"),
    ("dvs128.aedat", cut(114), "1 events and none of a pixel"),
    ("dvs128.aedat", swap(b"DVS128", b"Cochlea"), "AEChip: 'ch.*Cochlea', expected a DVS128 or a"),
    ("dvs128.aedat", swap(b"DAT2.0", b"DAT1.0"), r"AEDAT 1\.0, expected the line #!AER-DAT2\.0, 3"),
    ("dvs128.aedat", cut(0), "begins with nothing, expected the line"),
    ("caer.aedat", cut(-3), "bytes are left, expected 376; fetch"),
    ("caer.aedat", cut(338), "5 bytes are left, expected 28; fetch"),
    ("caer.aedat", swap(b"#!END-HEADER", b"#!BEG-HEADER"), "no line #!END-HEADER, expected one"),
    ("caer.aedat", cut(105), "0 events of pixels and none of them valid"),
    ("caer.aedat", swap(b"\x01\0\x01\0\x08\0\0\0", b"\x01\0\x01\0\x09\0\0\0"), "events of 9 bytes"),
    ("dv.aedat4", cut(-3), r"no aedat recording that can be read \(failed to fill"),
    ("dv.aedat4", cut(0), "no aedat recording that can be read"),
    ("dv.aedat4", swap(b"DVXplorer", b"\xffVXplorer"), "recording .*its header is no text"),
    ("dv.aedat4", swap(b"EVTS", b"FRME"), "no aedat recording that can be read"),
    ("dv.aedat", cut(600), "no aedat recording that can be read"),
    ("cd.dat", cut(-3), "5 bytes after the last whole event"),
    ("cd.dat", cut(70), "no events, expected one or more"),
    ("cd.dat", swap(b"\x0c\x08", b"\x0c\x07"), "no dat recording that can be read .*size"),
    ("evt2.raw", cut(-2), "2 bytes after the last whole event"),
    ("evt3.RAW", cut(-3), "1 bytes after the last whole event"),
    ("evt3.RAW", cut(49), "no events, expected one or more"),
    ("evt3.RAW", swap(b"width=34", b"width=09"), r"no evt recording .*x overflow"),
    ("dsec.h5", cut(-3), "no HDF5 file that can be read"),
    ("dsec.h5", swap(b"HEAP", b"HEAD"), "a damaged HDF5 file .*; fetch it again"),
    ("dsec.h5", cut(0), "no HDF5 file that can be read"),
    ("dsec.h5", lambda path: path.write_bytes(b"x,y,t,p\n"), "no HDF5 file that can be read"),
    ("dsec.h5", without("events"), r"nothing in it, expected a group or a dataset events or CD"),
    ("dsec.h5", without("events/p"), "/events has t, x, y and no p, expected t, x, y, p"),
    ("dsec.h5", replaced("events/x", np.full(60, 0.5)), "x holds values that are no integers"),
    ("dsec.h5", replaced("events/x", [b"a"] * 60), "/events/x has type .*, expected numbers"),
    ("dsec.h5", nested("events/x"), "/events/x is no dataset, expected numbers"),
    ("dsec.h5", replaced("events", np.zeros((60, 4))), "/events has no fields and no t, x, y, p"),
    ("dsec.h5", replaced("events/t", np.zeros(3)), "60, 60, 3, 60 events, expected as many"),
    ("prophesee.hdf5", replaced("CD/events", fields(0, "i8")), "no events, expected one or more"),
    ("prophesee.hdf5", replaced("CD/events", fields(2, "S2")), "t, x, y, p of events: expected"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "spoil", "says"), DAMAGES)
def test_damaged_recordings_are_refused(tmp_path, form, spoil, says):
    ending = "." + form.rpartition(".")[2]
    for name in ("a/1", "a/2", "b/1", "b/2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        event_files.write(tmp_path / (name + ending), KNOWN, form)
    assert event_folder(tmp_path, *SIZE, split="all").x_train.sum() == 120
    spoil(tmp_path / f"b/2{ending}")
    with pytest.raises(ValueError, match=rf"data = '.*2{ending}': .*{says}") as fault:
        event_folder(tmp_path, *SIZE, split="all")
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(("form", "library"), [("dv.aedat4", "faery"), ("dsec.h5", "h5py")])
def test_a_missing_library_is_named(tmp_path, monkeypatch, form, library):
    path = event_files.write(tmp_path / form, KNOWN, form)
    assert same(recording(path, SIZE), KNOWN)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"needs the library `{library}`.*metaplast\[events\]"):
        recording(path, SIZE)


@pytest.mark.parametrize("ending", sorted(set(READERS) - {".npz"}))
def test_recordings_that_cannot_be_opened(tmp_path, ending):
    with pytest.raises(FileNotFoundError, match=rf"gone\{ending}': no such file"):
        recording(tmp_path / f"gone{ending}", SIZE)
    (tmp_path / f"folder{ending}").mkdir()
    with pytest.raises(ValueError, match=rf"folder\{ending}'") as fault:
        recording(tmp_path / f"folder{ending}", SIZE)
    assert "\n" not in str(fault.value)


def test_unknown_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ends in '\.txt', expected \.npz, \.bin, .*; convert"):
        recording(tmp_path / "a.txt", SIZE)
