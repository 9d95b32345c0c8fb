"""Folders of pictures and recordings, COCO's boxes: read right, refused in one line."""

import json
import warnings

import numpy as np
import pytest

from metaplast.tasks import coco, event_folder, image_folder
from metaplast.tasks.boxes import overlap
from metaplast.tasks.recordings.atis import read_atis
from tasks import small_files


def rows(*pools):
    return {row.tobytes() for pool in pools for row in np.asarray(pool)}


# -- pictures --------------------------------------------------------------------------


def test_a_folder_of_pictures_is_read_whole(tmp_path):
    path = small_files.image_folder(tmp_path)
    (path / "class0" / "notes.txt").write_text("no picture")
    (path / ".hidden").mkdir()
    task = image_folder(path, 6, split="all")
    assert (task.x_train.shape, task.x_test.shape) == ((36, 36), (9, 36))
    assert not rows(task.x_train) & rows(task.x_test)
    np.testing.assert_array_equal(np.bincount(task.y_test), [3, 3, 3])
    for x, y in ((task.x_train, task.y_train), (task.x_test, task.y_test)):
        shade = 255 * np.asarray(x).mean(axis=1)
        np.testing.assert_allclose(shade, 60 * np.asarray(y) + 50, atol=5)
    again = image_folder(path, 6, split="all")
    np.testing.assert_array_equal(again.x_test, task.x_test)
    assert again.checksum == task.checksum != image_folder(path, 5, split="all").checksum
    colored = image_folder(path, 6, color=True, split="all")
    np.testing.assert_array_equal(colored.x_test.reshape(9, 36, 3)[..., 1], task.x_test)


def test_pictures_of_their_size_are_not_touched(tmp_path):
    from PIL import Image

    x, y = small_files.shades(12, (4, 4))
    for part, s in (("train", slice(0, 9)), ("test", slice(9, 12))):
        for i, (picture, label) in enumerate(zip(x[s], y[s], strict=True)):
            place = tmp_path / part / "abc"[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(place / f"{i}.png")
    task = image_folder(tmp_path, 4, split="all")
    order = np.argsort(y[:9], kind="stable")
    np.testing.assert_allclose(task.x_train, (x[:9] / 255.0).reshape(9, -1)[order], rtol=1e-6)
    np.testing.assert_allclose(task.x_test, (x[9:] / 255.0).reshape(3, -1), rtol=1e-6)
    (tmp_path / "test" / "d").mkdir()
    (tmp_path / "test" / "d" / "0.png").write_bytes(b"")
    with pytest.raises(ValueError, match="class 'd' is in one of train and test alone"):
        image_folder(tmp_path, 4)
    (tmp_path / "test" / "d" / "0.png").unlink()
    (tmp_path / "test" / "d").rmdir()
    (tmp_path / "test").rename(tmp_path / "val")
    renamed = image_folder(tmp_path, 4, split="all")
    np.testing.assert_array_equal(renamed.x_test, task.x_test)
    (tmp_path / "train").rename(tmp_path / "training")
    with pytest.raises(ValueError, match="training': no file"):
        image_folder(tmp_path, 4)


def spoiled(folder, spoil):
    path = small_files.image_folder(folder)
    spoil(path)
    return path


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: (p / "class0" / "00.png").write_bytes(b"no"), "00.png': no picture"),
        (lambda p: (p / "empty").mkdir(), "empty': no file that ends in .png"),
        (lambda p: [f.unlink() for f in sorted((p / "class1").iterdir())[1:]], "class1': 1 file"),
    ],
)
def test_bad_folders_are_refused(tmp_path, spoil, says):
    path = spoiled(tmp_path, spoil)
    with pytest.raises(ValueError, match=says) as fault:
        image_folder(path, 4)
    assert "\n" not in str(fault.value)


def test_no_folder_no_classes(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone': no such folder"):
        image_folder(tmp_path / "gone", 4)
    with pytest.raises(ValueError, match="0 sub-folders"):
        image_folder(tmp_path, 4)
    with pytest.raises(ValueError, match="size = 0"):
        image_folder(tmp_path, 0)


# -- recordings ------------------------------------------------------------------------


def test_recordings_are_counted(tmp_path):
    path = small_files.event_folder(tmp_path)
    task = event_folder(path, 4, 4, 3, split="all")
    assert task.x_train.shape == (36, 96) and task.x_test.shape == (8, 96)
    counts = np.asarray(task.x_train).reshape(36, 3, 2, 4, 4)
    np.testing.assert_array_equal(counts.sum(axis=(1, 2, 3, 4)), 20)
    np.testing.assert_array_equal(counts.sum(axis=(1, 2, 4)).argmax(axis=1), task.y_train)
    with pytest.raises(ValueError, match=r"row0.00\.npz': x, y: from .* less than 2 and 4"):
        event_folder(path, 4, 2)
    np.savez(path / "row0" / "00.npz", t=[1], x=[1])
    with pytest.raises(ValueError, match="no y, p, expected t, x, y, p"):
        event_folder(path, 4, 4)


EVENTS = bytes.fromhex(
    "00 21 80 00 01"  # column 0, row 33, brighter, at 1 us
    "21 02 00 01 00"  # column 33, row 2, darker, at 256 us
    "07 09 81 00 00"  # brighter, at 65536 us
    "01 03 7f ff ff"  # darker, at the last time of 23 bits
)


def test_events_of_40_bits_are_read_bit_by_bit(tmp_path):
    path = tmp_path / "00001.bin"
    path.write_bytes(EVENTS)
    found = read_atis(path, 34)
    for key, known in {
        "x": [0, 33, 7, 1], "y": [33, 2, 9, 3], "p": [1, 0, 1, 0], "t": [1, 256, 65536, 2**23 - 1],
    }.items():  # fmt: skip
        np.testing.assert_array_equal(found[key], known)
    # Little-endian times would be others, and fall.
    path.write_bytes(b"".join(EVENTS[i : i + 2] + EVENTS[i : i + 5][:1:-1] for i in (0, 5, 10, 15)))
    with pytest.raises(ValueError, match="times fall"):
        read_atis(path, 34)


def test_times_beyond_their_bits_go_on(tmp_path):
    path = tmp_path / "long.bin"
    later = bytes.fromhex("05 06 80 00 0205 07 80 00 03")
    path.write_bytes(EVENTS + later + EVENTS[-5:] + later)
    assert read_atis(path)["t"].tolist()[3:] == [
        2**23 - 1, 2**23 + 2, 2**23 + 3, 2**24 - 1, 2**24 + 2, 2**24 + 3,
    ]  # fmt: skip
    mark = bytes.fromhex("00 f0 00 00 00")
    path.write_bytes(later + mark + later + mark + later)
    found = read_atis(path)
    assert found["t"].tolist() == [2, 3, 8194, 8195, 16386, 16387]
    assert found["y"].tolist() == [6, 7] * 3
    # A camera with more rows has a row 240, whose events are no marks.
    rows = later + bytes.fromhex("00 f0 00 00 09")
    path.write_bytes(rows)
    assert read_atis(path, 256)["y"].tolist() == [6, 7, 240] != read_atis(path)["y"].tolist()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "0 bytes, expected 5 for each event and one event or more; fetch"),
        (EVENTS[:-1], "19 bytes, expected 5 for each event"),
        (EVENTS[5:10] + EVENTS[:5], r"times fall from 256 to 1 us after event 1, .* an \.npz"),
        (EVENTS.replace(b"\x21", b"\x22"), r"x, y: from \(0, 2\) to \(34, 34\), expected"),
    ],
)
def test_damaged_events_are_refused(tmp_path, content, says):
    for name in ("a/1.bin", "a/2.bin", "b/1.bin", "b/2.BIN"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(EVENTS)
    assert event_folder(tmp_path, 34, 34, split="all").x_train.sum() == 8
    (tmp_path / "b" / "2.BIN").write_bytes(content)
    with pytest.raises(ValueError, match=rf"data = '.*2\.BIN': {says}") as fault:
        event_folder(tmp_path, 34, 34, split="all")
    assert "\n" not in str(fault.value)


def test_events_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.bin': no such file"):
        read_atis(tmp_path / "gone.bin")
    with pytest.raises(ValueError, match="expected a file that may be read") as fault:
        read_atis(tmp_path)
    assert "\n" not in str(fault.value)


def test_both_forms_of_a_recording_are_one_task(tmp_path):
    path = small_files.event_folder(tmp_path)
    before = event_folder(path, 4, 4, 3, split="all")
    for file in sorted(path.glob("*/*.npz"))[::2]:
        with np.load(file) as held:
            t, x, y, p = (held[key].astype(np.int64) for key in "txyp")
        words = x << 32 | y << 24 | p << 23 | t
        file.with_suffix(".bin").write_bytes(b"".join(int(w).to_bytes(5, "big") for w in words))
        file.unlink()
    after = event_folder(path, 4, 4, 3, split="all")
    assert before.x_train.sum() > 0 and after.checksum == before.checksum


# -- boxes -----------------------------------------------------------------------------


def test_coco_boxes_are_scaled_with_their_pictures(tmp_path):
    path, folder = small_files.coco(tmp_path)
    task = coco(path, folder, height=24, width=32, sizes=2, patch=4, split="all")
    assert task.classes == 3 and task.images.shape == (3, 24, 32, 3)
    assert len(task.boxes) == 6  # two in each; the crowd is not among them
    for box, kind, scene in zip(task.boxes, task.things, task.scene, strict=True):
        x1, y1, x2, y2 = np.asarray(box).astype(int)
        inside = np.asarray(task.images[scene, y1:y2, x1:x2])
        assert inside.mean() == pytest.approx(1.0 - 0.5 * float(kind), abs=0.08)
        assert x2 - x1 == (12 if kind else 8)
    windows = task.windows.boxes
    assert overlap(windows, np.asarray(task.boxes, float)).max(axis=0).min() > 0.5


def box(left, **more):
    """The first box begins elsewhere."""
    return lambda s: s["annotations"][0].update(
        bbox=[left, *s["annotations"][0]["bbox"][1:]], **more
    )


def every(change):
    return lambda s: [a.update(bbox=change(a["bbox"])) for a in s["annotations"]]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda s: s["annotations"][0].update(category_id=8), "ValueError .*expected the JSON"),
        (lambda s: s["annotations"][0].update(image_id=8), "KeyError 8"),
        (lambda s: s.pop("categories"), "KeyError 'categories'"),
        (lambda s: s.update(annotations=[]), "16 pictures and 0 boxes"),
        (lambda s: s["categories"][1].update(id=7), "categories have the id 7 twice, expected"),
        (lambda s: s["images"][1].update(id=100), "images have the id 100 twice, expected another"),
        (box(np.nan), r"annotation at place 0 has bbox = \[nan, .*expected four finite numbers"),
        (box(np.inf, id=9), r"annotation 9 has bbox = \[inf, .*, expected four finite numbers"),
        (lambda s: s["annotations"][3].update(bbox=[1, 2, 3]), r"3 has bbox = \[1, 2, 3\], exp"),
        (lambda s: s["annotations"][3].update(bbox=[]), r"place 3 has bbox = \[\], expected four"),
        (lambda s: s["annotations"][3].update(bbox="1234"), "place 3 has bbox = 1234, expected"),
        (lambda s: s["annotations"][3].update(bbox=[1, 2, 3, None]), r"bbox = \[1, 2, 3, None\]"),
        (every(lambda b: [*b[:2], 0, 0]), "none of 32 boxes has an area within its picture"),
        (every(lambda b: [-90, *b[1:]]), "none of 32 boxes has an area within its picture"),
    ],
)
def test_bad_annotations_are_refused(tmp_path, spoil, says):
    path, folder = small_files.coco(tmp_path)
    assert len(coco(path, folder, 24, 32, sizes=2, patch=4).boxes) == 6  # the control
    said = json.loads(path.read_text())
    spoil(said)
    path.write_text(json.dumps(said))
    with pytest.raises(ValueError, match=says) as fault:
        coco(path, folder)
    assert "\n" not in str(fault.value) and str(path) in str(fault.value)


@pytest.mark.parametrize("lost", [[60, 8, 0, 9], [60, 8, -20, 9], [-30, 8, 20, 9], [64, 8, 1, 9]])
def test_boxes_without_area_are_left_out_with_a_word(tmp_path, lost):
    path, folder = small_files.coco(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the control: not a word about good boxes
        before = coco(path, folder, 24, 32, sizes=2, patch=4, split="all")
    said = json.loads(path.read_text())
    said["annotations"].append({"image_id": 100, "category_id": 7, "bbox": lost})
    path.write_text(json.dumps(said))
    with pytest.warns(UserWarning, match=r"boxes\.json': 1 of 33 boxes have no area") as given:
        after = coco(path, folder, 24, 32, sizes=2, patch=4, split="all")
    assert len(given) == 1 and "\n" not in str(given[0].message)
    assert before.checksum == after.checksum and len(after.boxes)


def test_a_mark_of_utf_8_is_passed_over(tmp_path):
    path, folder = small_files.coco(tmp_path)
    before = coco(path, folder, 24, 32, sizes=2, patch=4)
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert path.read_bytes()[:3] == b"\xef\xbb\xbf"
    after = coco(path, folder, 24, 32, sizes=2, patch=4)
    assert before.checksum == after.checksum and len(after.boxes)


FORMS = {
    "corners": lambda x, y, w, h: [x, y, x + w, y + h],
    "fractions": lambda x, y, w, h: [x / 64, y / 48, w / 64, h / 48],
    "centers in fractions": lambda x, y, w, h: [(x + w / 2) / 64, (y + h / 2) / 48, w / 64, h / 48],
}
"""What other programs write as `bbox`, for pictures of 64 x 48."""


@pytest.mark.parametrize("form", FORMS)
def test_boxes_of_other_forms_are_not_taken_for_pixels(tmp_path, form):
    path, folder = small_files.coco(tmp_path)
    said = json.loads(path.read_text())
    for thing in said["annotations"]:
        thing["bbox"] = FORMS[form](*thing["bbox"])
    path.write_text(json.dumps(said))
    with pytest.raises(ValueError, match=r"boxes .*expected bbox = x, y, width, height in pixels"):
        coco(path, folder)


def test_a_box_a_little_beyond_its_picture_is_cut(tmp_path):
    """Negative control: annotations are rounded, and some are careless."""
    path, folder = small_files.coco(tmp_path)
    said = json.loads(path.read_text())
    said["annotations"][0]["bbox"][2] += 64
    said["annotations"][1]["bbox"] = [44.5, 28.5, 20, 20]
    path.write_text(json.dumps(said))
    assert coco(path, folder, height=24, width=32, sizes=2, patch=4).classes == 3


def test_missing_annotations_and_pictures(tmp_path):
    path, folder = small_files.coco(tmp_path)
    (folder / "03.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"03\.png' is missing"):
        coco(path, folder)
    path.write_text("{")
    with pytest.raises(ValueError, match="no JSON"):
        coco(path, folder)
    with pytest.raises(FileNotFoundError, match="no such file"):
        coco(folder / "gone.json", folder)
