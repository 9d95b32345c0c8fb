"""Pictures of every depth: scaled by what their type can hold, turned upright, laid on white."""

import json
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from metaplast.tasks import coco
from metaplast.tasks.pictures import picture
from tasks import small_files

SIZE = (6, 8)
DEEP = (1300 * np.arange(48).reshape(SIZE)).astype(np.uint16)
"""16 bits, most of them brighter than 255."""
COLORS = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), dtype=np.uint8)


def saved(folder, array, name, **options):
    Image.fromarray(array).save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_16_bits_are_scaled_by_their_own_range(tmp_path, name):
    path = saved(tmp_path, DEEP, name)
    found = picture(path, SIZE, False)
    np.testing.assert_allclose(found[..., 0], DEEP / 65535, rtol=1e-6)
    np.testing.assert_array_equal(picture(path, SIZE, True), np.repeat(found, 3, axis=-1))
    small = picture(path, (3, 4), False)
    assert small.shape == (3, 4, 1) and small.std() > 0.1
    # The control: 8 bits are scaled by theirs.
    path = saved(tmp_path, (DEEP // 256).astype(np.uint8), name)
    np.testing.assert_allclose(picture(path, SIZE, False)[..., 0], DEEP // 256 / 255, rtol=1e-6)


def test_floats_are_kept(tmp_path):
    values = (DEEP / 65535).astype(np.float32)
    found = picture(saved(tmp_path, values, "a.tif"), SIZE, False)
    np.testing.assert_array_equal(found[..., 0], values)
    assert found.max() > 0.9 and picture(tmp_path / "a.tif", (3, 4), True).shape == (3, 4, 3)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (DEEP.astype(np.float32), "floats from 0 to 61100, expected 0 to 1; scale"),
        (DEEP / np.float32(65535) - 1, "floats from -1 to -0.06.*, expected 0 to 1"),
        (np.where(DEEP == 0, np.nan, 0.5).astype(np.float32), "floats from nan to nan, exp"),
        (DEEP.astype(np.int32) - 9, "signed or 32-bit integers from -9 to 61091, expected 8 or 16"),
    ],
)
def test_values_of_an_unknown_range_are_refused(tmp_path, array, says):
    path = saved(tmp_path, array, "a.tif")
    with pytest.raises(ValueError, match=rf"data = '.*a\.tif': {says}") as fault:
        picture(path, SIZE, False)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("color", [True, False])
def test_what_is_transparent_is_laid_on_white(tmp_path, name, color):
    options = {"lossless": True, "exact": True} if name == "a.webp" else {}
    opaque = np.full(SIZE, 255, np.uint8)
    plain = picture(saved(tmp_path, COLORS, name, **options), SIZE, color)
    path = saved(tmp_path, np.dstack([COLORS, opaque]), name, **options)
    np.testing.assert_array_equal(picture(path, SIZE, color), plain)  # the control
    alpha = np.where(np.arange(8) < 4, opaque, 0).astype(np.uint8)
    path = saved(tmp_path, np.dstack([COLORS, alpha]), name, **options)
    found = picture(path, SIZE, color)
    np.testing.assert_array_equal(found[:, :4], plain[:, :4])
    assert (found[:, 4:] == 1).all() and plain[:, 4:].max() < 1
    half = saved(tmp_path, np.dstack([COLORS, opaque // 2]), name, **options)
    np.testing.assert_allclose(picture(half, SIZE, color), (plain + 1) / 2, atol=0.01)


def test_grey_and_palettes_with_transparency(tmp_path):
    grey = COLORS[..., 0]
    path = saved(tmp_path, np.dstack([grey, np.where(grey > 99, 255, 0).astype(np.uint8)]), "a.png")
    found = picture(path, SIZE, False)[..., 0]
    np.testing.assert_allclose(found, np.where(grey > 99, grey / 255, 1), rtol=1e-6)
    assert (grey > 99).any() and (grey <= 99).any()
    numbers = Image.fromarray(COLORS).convert("P")
    clear = np.asarray(numbers) == np.asarray(numbers)[2, 2]
    for name in ("p.png", "p.gif"):
        numbers.save(tmp_path / name)
        before = picture(tmp_path / name, SIZE, True)
        numbers.save(tmp_path / name, transparency=int(np.asarray(numbers)[2, 2]))
        found = picture(tmp_path / name, SIZE, True)
        assert (found[clear] == 1).all() and (before[clear] < 1).any()
        np.testing.assert_array_equal(found[~clear], before[~clear])


def turned(array, orientation):
    """What the eight orientations of EXIF mean."""
    way = [array, array[:, ::-1], array[::-1, ::-1], array[::-1], array.T]
    way += [np.rot90(array, -1), array[::-1, ::-1].T, np.rot90(array)]
    return way[orientation - 1]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "deep.png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(tmp_path, name, orientation):
    array = DEEP if name == "deep.png" else COLORS[..., 0]
    exif = Image.Exif()
    exif[0x0112] = orientation
    flat = array / (65535 if name == "deep.png" else 255)
    known = turned(flat, orientation)
    found = picture(saved(tmp_path, array, name, exif=exif), known.shape, False)[..., 0]
    np.testing.assert_allclose(found, known, rtol=1e-6)
    assert known.any() and (orientation == 1) == np.array_equal(known, flat)


def test_boxes_are_those_of_the_upright_picture(tmp_path):
    path, folder = small_files.coco(tmp_path)
    before = coco(path, folder, height=24, width=32, sizes=2, patch=4, split="all")
    exif = Image.Exif()
    exif[0x0112] = 6
    for file in folder.glob("*.png"):
        lying = np.rot90(np.asarray(Image.open(file)))
        Image.fromarray(np.ascontiguousarray(lying)).save(file, exif=exif)
    after = coco(path, folder, height=24, width=32, sizes=2, patch=4, split="all")
    assert before.images.sum() > 0 and after.checksum == before.checksum
    for file in folder.glob("*.png"):
        Image.open(file).save(file, exif=Image.Exif())
    with pytest.raises(ValueError, match="50% end beyond their picture"):  # the control
        coco(path, folder, height=24, width=32, sizes=2, patch=4, split="all")


def huge(path, side):
    """A grey PNG that says it is so large, without its pixels."""

    def part(name, content):
        sum_ = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + sum_

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    ends = part(b"IDAT", zlib.compress(b"")) + part(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + ends)


@pytest.mark.parametrize("side", [10_000, 20_000])
def test_what_is_too_large_is_named_with_its_size(tmp_path, side):
    path, folder = small_files.coco(tmp_path)
    first = folder / json.loads(path.read_text())["images"][0]["file_name"]
    assert coco(path, folder, 24, 32, sizes=2, patch=4).images.sum() > 0
    huge(first, side)
    says = rf"{re.escape(str(first))}': too large \(.*{side * side} pixels.*; shrink it"
    for read in (lambda: picture(first, SIZE, False), lambda: coco(path, folder)):
        with pytest.raises(ValueError, match=says) as fault:
            read()
        assert "\n" not in str(fault.value)


def test_colors_that_cannot_be_turned_into_red_green_and_blue_are_refused_by_name(tmp_path):
    for mode, readable in (("LAB", False), ("CMYK", True)):
        file = tmp_path / f"{mode}.tif"
        Image.new(mode, SIZE[::-1]).save(file)
        if readable:  # the control
            assert picture(file, SIZE, True).shape == (*SIZE, 3)
            continue
        with pytest.raises(ValueError, match=r"LAB.tif': colors of the mode LAB .*save it so") as f:
            picture(file, SIZE, False)
        assert "\n" not in str(f.value)
