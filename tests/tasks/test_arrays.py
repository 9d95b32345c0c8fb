"""The user's own files: what is read, and what is refused in one line."""

import gzip
import pickle
import struct
import tomllib

import jax
import numpy as np
import pytest

from metaplast.tasks import arrays

CODES = {"uint8": 0x08, "int32": 0x0C, "float32": 0x0D}


def examples(seed=0):
    """100 + 20 small grey images of 4 classes."""
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.integers(0, 256, (100, 3, 4), dtype=np.uint8),
        "y_train": np.arange(100) % 4,
        "x_test": rng.integers(0, 256, (20, 3, 4), dtype=np.uint8),
        "y_test": np.arange(20) % 4,
    }


def npz(folder, **changes):
    content = {k: v for k, v in {**examples(), **changes}.items() if v is not None}
    np.savez(folder / "own.npz", **content)
    return folder / "own.npz"


def idx_bytes(array) -> bytes:
    code = CODES[array.dtype.name]
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def idx(folder, prefix="", test="t10k", packed=True, seed=0, **changes):
    """Write four IDX files under MNIST's names."""
    content = {**examples(seed), **changes}
    for key, array in content.items():
        pool = "train" if key.endswith("train") else test
        kind = "images-idx3" if key.startswith("x") else "labels-idx1"
        array = array.astype(np.uint8) if key.startswith("y") else array
        name, content = f"{prefix}{pool}-{kind}-ubyte", idx_bytes(array)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def test_a_file_that_is_named_is_read_whatever_other_prefixes_lie_beside_it(tmp_path):
    idx(tmp_path)
    idx(tmp_path, prefix="emnist-", seed=3)
    with pytest.raises(ValueError, match=r"emnist-train-.*give the path of one of them"):
        arrays(tmp_path, 10)
    for prefix, seed in (("", 0), ("emnist-", 3)):
        task = arrays(tmp_path / f"{prefix}train-images-idx3-ubyte.gz", 10, split="all")
        known = examples(seed)["x_train"].reshape(100, 12) / 255
        np.testing.assert_allclose(task.x_train, known, rtol=1e-6)
    assert not np.array_equal(examples(0)["x_train"], examples(3)["x_train"])


def test_npz_images_are_flattened_and_scaled(tmp_path):
    task = arrays(npz(tmp_path), moments=10, split="all")
    known = examples()
    assert (task.inputs, task.classes, task.moments, task.held_out) == (12, 4, 10, 20)
    expected = known["x_train"].reshape(100, 12) / 255
    np.testing.assert_allclose(task.x_train, expected, rtol=1e-6)
    np.testing.assert_array_equal(task.y_test, known["y_test"])
    assert 0.9 < np.max(task.x_train) <= 1.0
    assert task.name == "own (all examples)"


def test_floats_are_kept(tmp_path):
    x = np.random.default_rng(1).normal(size=(100, 12)) * 40
    task = arrays(npz(tmp_path, x_train=x, x_test=x[:20]), split="all")
    np.testing.assert_allclose(task.x_train, x, rtol=1e-6)


def test_search_and_bench_share_no_example(tmp_path):
    path = npz(tmp_path)
    search, bench = arrays(path, split="search"), arrays(path)
    pools = {
        name: {row.tobytes() for row in np.asarray(pool)}
        for name, pool in [
            ("life", search.x_train), ("held", search.x_test),
            ("bench", bench.x_train), ("test", bench.x_test),
        ]
    }  # fmt: skip
    assert {name: len(pool) for name, pool in pools.items()} == {
        "life": 30, "held": 10, "bench": 60, "test": 20,
    }  # fmt: skip
    assert len(set().union(*pools.values())) == 120
    everything = {row.tobytes() for row in np.asarray(arrays(path, split="all").x_train)}
    assert everything == pools["life"] | pools["held"] | pools["bench"]
    assert (search.name, bench.name) == ("own (search examples)", "own")


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_a_folder_of_idx_files_is_the_same_as_the_npz(tmp_path, packed, test):
    folder = tmp_path / "small"
    folder.mkdir()
    task = arrays(idx(folder, packed=packed, test=test), split="all")
    for one, other in zip(
        jax.tree.leaves(task), jax.tree.leaves(arrays(npz(tmp_path), split="all")), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert task.name == "small (all examples)"


def test_idx_of_other_types_and_a_chosen_prefix(tmp_path):
    x = np.random.default_rng(2).normal(size=(100, 5)).astype(np.float32)
    idx(tmp_path, prefix="a-", x_train=x, x_test=x[:20])
    idx(tmp_path, prefix="b-", seed=3)
    first = arrays(tmp_path / "a-train-images-idx3-ubyte.gz", split="all")
    np.testing.assert_array_equal(first.x_train, x)
    second = arrays(tmp_path / "b-t10k-labels-idx1-ubyte.gz", split="all")
    np.testing.assert_allclose(second.x_train, examples(3)["x_train"].reshape(100, 12) / 255)
    with pytest.raises(ValueError, match=r"expected one file .* give the path of one of them"):
        arrays(tmp_path)


def test_a_small_pool_may_lack_a_class_by_chance(tmp_path):
    y = np.array([0, 1, 2, 4] * 8)
    task = arrays(npz(tmp_path, x_train=examples()["x_train"][:32], y_train=y), split="all")
    assert task.classes == 5


def object_array():
    return np.array([{"a": 1}] * 100, dtype=object)


def with_nan():
    x = np.ones((100, 12), np.float32)
    x[3, 4] = np.nan
    return x


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"y_test": None}, "no y_test, expected x_train, .* found x_train, y_train, x_test;"),
        ({"x_train": None, "y_train": None}, "no x_train, y_train"),
        ({"x_train": object_array()}, "x_train holds Python objects"),
        ({"y_train": np.array(["cat"] * 100)}, "y_train holds names .type <U3.*from 0, the same"),
        ({"x_train": np.full((100, 12), "a")}, "x_train has type <U1, expected numbers"),
        ({"x_train": with_nan(), "x_test": np.ones((20, 12))}, "x_train: NaN .* in 1 of 100"),
        ({"x_train": np.full((100, 3, 4), 1e300)}, "x_train: NaN or infinite"),
        ({"x_train": np.ones((100, 12), int)}, "x_train: type int64, expected uint8"),
        ({"x_train": np.ones(100)}, r"x_train: shape \(100,\)"),
        ({"x_train": np.ones((100, 3, 5))}, r"x_test: shape \(20, 12\), expected \(15,\)"),
        ({"x_train": np.ones((100, 0)), "x_test": np.ones((20, 0))}, "x_train: shape"),
        ({"y_train": np.arange(99) % 4}, "y_train: 99 labels, expected 100"),
        ({"y_train": np.arange(100) % 4 - 1}, "y_train: label -1"),
        ({"y_train": np.arange(100) % 4 + 0.5}, "y_train: type float64, expected integer"),
        ({"y_train": np.eye(100, 4, dtype=int)}, r"y_train: shape \(100, 4\).*y_train.argmax"),
        ({"y_train": np.eye(100, 4)}, r"y_train: shape \(100, 4\).* save y_train.argmax"),
        ({"y_test": np.arange(20)[:, None] % 4}, r"y_test: shape \(20, 1\).*y_test.reshape"),
        ({"y_train": np.zeros(100, int), "y_test": np.zeros(20, int)}, "every label is 0, exp"),
        ({"y_train": np.r_[np.arange(99) % 4, 77]}, "y_train: label 77 out of range.* 0 to 4"),
        ({"y_train": np.arange(100) % 4 + 1}, "y_train: label 4 out of range.* has label 0"),
        ({"y_test": np.full(20, 9)}, "y_test: label 9, expected 0 to 3"),
        ({"y_test": np.arange(20) - 1}, "y_test: label -1, expected 0 to 3"),
        ({"x_train": np.ones((4, 12)), "y_train": np.arange(4)}, "x_train: 4 examples, expected"),
        ({"x_test": np.ones((0, 12)), "y_test": np.zeros(0, int)}, "x_test: 0 examples"),
    ],
)
def test_bad_arrays_are_refused_in_one_line(tmp_path, changes, says):
    arrays(npz(tmp_path))  # without the change they are accepted
    with pytest.raises(ValueError, match=says) as fault:
        arrays(npz(tmp_path, **changes))
    assert "\n" not in str(fault.value)


class Trap:
    """Unpickling it would run code."""

    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


def test_no_file_of_a_stranger_runs_code(tmp_path):
    assert pickle.loads(pickle.dumps(Trap())) is None and Trap.sprung  # the trap works
    Trap.sprung = False
    array = np.array([Trap()] * 100, dtype=object)
    with pytest.raises(ValueError, match="x_train holds Python objects"):
        arrays(npz(tmp_path, x_train=array))
    (tmp_path / "raw.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"not an .npz"):
        arrays(tmp_path / "raw.npz")
    assert not Trap.sprung


def damaged(content: bytes) -> bytes:
    """The archive's own structure whole, the bytes of its first array not."""
    return content[:200] + bytes(b ^ 0xFF for b in content[200:400]) + content[400:]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda b: b"", "not an .npz"),
        (lambda b: b"hello", "not an .npz"),
        (lambda b: b[: len(b) // 2], "not an .npz"),
        (damaged, "a damaged .npz"),
    ],
)
def test_a_broken_npz_is_refused(tmp_path, spoil, says):
    path = npz(tmp_path)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=says) as fault:
        arrays(path)
    assert "\n" not in str(fault.value)


def test_a_single_array_under_an_npz_name_is_refused(tmp_path):
    with open(tmp_path / "own.npz", "wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(ValueError, match=r"not an .npz"):
        arrays(tmp_path / "own.npz")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda b: b"\x01" + b[1:], "begins with 01"),
        (lambda b: b"", "begins with nothing"),
        (lambda b: b[:-1], "bytes for shape"),
        (lambda b: b[:6], "bytes for shape"),
        (lambda b: gzip.compress(b)[:-9], "not a whole gzip file"),
    ],
)
def test_a_broken_idx_file_is_refused(tmp_path, spoil, says):
    file = idx(tmp_path, packed=False) / "train-images-idx3-ubyte"
    arrays(tmp_path)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ValueError, match=says) as fault:
        arrays(tmp_path)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("key", ["x_train", "x_test"])
def test_examples_without_values_are_said_to_be_in_their_own_file(tmp_path, key):
    assert np.asarray(arrays(idx(tmp_path)).x_train).any()
    empty = np.zeros((len(examples()[key]), 0, 4), np.uint8)
    name = rf"{key[2:].replace('test', 't10k')}-images-idx3-ubyte\.gz"
    with pytest.raises(ValueError, match=rf"{name}': shape \[\d+, 0, 4\], expected 1 value") as one:
        arrays(idx(tmp_path, **{key: empty}))
    with pytest.raises(ValueError, match=rf"{key}: shape \(\d+, 0, 4\), expected") as other:
        arrays(npz(tmp_path, **{key: empty}))
    assert "\n" not in str(one.value) + str(other.value)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.npz': no such file"):
        arrays(tmp_path / "gone.npz")
    with pytest.raises(ValueError, match="none for x_train"):
        arrays(tmp_path)
    (idx(tmp_path) / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match=r"none for y_test, expected .* t10k-labels-idx1-ubyte"):
        arrays(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"neither an .npz nor an IDX file"):
        arrays(tmp_path / "notes.txt")
    with pytest.raises(ValueError, match="moments = 0"):
        arrays(npz(tmp_path), moments=0)


@pytest.mark.parametrize("within", ["", "train"])
def test_a_folder_of_pictures_is_told_its_table(tmp_path, within):
    folder = tmp_path / 'of "mine"'
    classes = [folder / within / name for name in ("cats", "dogs")]
    for place in classes:
        place.mkdir(parents=True)
        (place / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"none for x_train, .*; put it there, or give an \.npz"):
        arrays(folder)
    picture = classes[1] / "0.JPG"
    picture.write_bytes(b"")
    with pytest.raises(ValueError, match=r"for x_train, .* in its sub-folders give") as told:
        arrays(folder)
    table = tomllib.loads("data = " + str(told.value).partition(" give ")[2])["data"]
    assert table == {"type": "image_folder", "path": str(folder)}
    assert "\n" not in str(told.value)
    # Nothing that `image_folder` would read: a picture beside class folders, or in a hidden one.
    picture.rename(folder / "0.jpg")
    (folder / within / ".thumbs").mkdir()
    (folder / within / ".thumbs" / "0.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="put it there"):
        arrays(folder)
    # Somebody who has IDX files, and not all of them, is told of those.
    (folder / "0.jpg").rename(picture)
    (folder / "train-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(ValueError, match=r"none for y_train, .*; put it there"):
        arrays(folder)
