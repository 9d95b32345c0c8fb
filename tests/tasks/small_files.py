"""Tiny files in the forms that tasks read, each with a known answer in it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

from metaplast import tasks
from metaplast.tasks.scenes import Scenes


def shades(count: int, shape: tuple[int, ...], seed: int = 0):
    """Pictures in uint8 whose class, of 3, is their shade, with some noise."""
    y = np.arange(count) % 3
    noise = np.random.default_rng(seed).integers(0, 20, (count, *shape))
    return (60 * y.reshape(-1, *[1] * len(shape)) + 40 + noise).astype(np.uint8), y


def image_folder(folder: Path) -> Path:
    """15 grey pictures of 6 x 5 pixels in each of 3 classes."""
    from PIL import Image

    x, y = shades(45, (6, 5))
    for i, (picture, label) in enumerate(zip(x, y, strict=True)):
        place = folder / "pictures" / f"class{label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{i:02}.png")
    return folder / "pictures"


def event_folder(folder: Path) -> Path:
    """44 recordings of 4 x 4 pixels; the class, of 2, is the row of all events."""
    chance = np.random.default_rng(0)
    for i in range(44):
        place = folder / "recordings" / f"row{i % 2}"
        place.mkdir(parents=True, exist_ok=True)
        count = 20
        np.savez(
            place / f"{i:02}.npz", t=np.sort(chance.integers(0, 1000, count)),
            x=chance.integers(0, 4, count), y=np.full(count, i % 2), p=chance.integers(0, 2, count),
        )  # fmt: skip
    return folder / "recordings"


def omniglot(folder: Path) -> Path:
    """4 characters: the n-th row of 28 pixels is inked, and one more pixel says who drew it."""
    x = np.zeros((4, 20, 28, 28), bool)
    for c in range(4):
        x[c, :, c] = True
        x[c, np.arange(20), 27, np.arange(20)] = True
    path = folder / "own_characters.npz"
    np.savez(path, images_packed=np.packbits(x.reshape(80, -1), axis=-1))
    return path


def cifar10(folder: Path) -> Path:
    """60 + 12 pictures of 32 x 32 pixels, as JPEG without a common header."""
    from PIL import Image

    arrays: dict[str, np.ndarray] = {"jpeg_header": np.zeros(0, np.uint8)}
    for pool, count in (("train", 60), ("test", 12)):
        x, y = shades(count, (32, 32, 3))
        bodies = []
        for picture in x:
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "JPEG", quality=95)
            bodies.append(file.getvalue())
        arrays[f"jpeg_{pool}"] = np.frombuffer(b"".join(bodies), np.uint8)
        arrays[f"len_{pool}"] = np.array([len(body) for body in bodies], np.uint16)
        arrays[f"y_{pool}"] = y.astype(np.uint8)
    path = folder / "own_colors.npz"
    np.savez(path, **arrays)
    return path


def nmnist(folder: Path) -> Path:
    """30 + 8 recordings of 12 events each; the class, of 3, is the row of all events."""
    arrays: dict[str, np.ndarray] = {}
    chance = np.random.default_rng(0)
    for pool, count in (("train", 30), ("test", 8)):
        label = np.arange(count) % 3
        arrays |= {
            f"ev_x_{pool}": chance.integers(0, 34, 12 * count).astype(np.uint8),
            f"ev_y_{pool}": np.repeat(label, 12).astype(np.uint8),
            f"ev_p_{pool}": np.packbits(chance.integers(0, 2, 12 * count).astype(bool)),
            f"ev_dt_us_{pool}": chance.integers(1, 99, 12 * count).astype(np.uint16),
            f"n_events_{pool}": np.full(count, 12, np.int32),
            f"label_{pool}": label.astype(np.uint8),
        }
    path = folder / "own_events.npz"
    np.savez(path, **arrays)
    return path


def squares(count: int, seed: int = 0) -> Scenes:
    """Pictures of 24 x 32 pixels, each with a bright square of 8 (class 0) and a pale one of 12
    (class 1) on black."""
    chance = np.random.default_rng(seed)
    images = chance.uniform(0, 0.05, (count, 24, 32, 1)).astype(np.float32)
    boxes, classes = [], []
    for image in images:
        for kind, side, low, high in ((0, 8, 0, 8), (1, 12, 16, 20)):
            left, top = chance.integers(low, high + 1), chance.integers(0, 24 - side + 1)
            image[top : top + side, left : left + side] = 1.0 - 0.5 * kind
            boxes.append([left, top, left + side, top + side])
            classes.append(kind)
    return Scenes(images, np.array(boxes, float), np.array(classes), np.repeat(np.arange(count), 2))


def detection(moments: int, held_out: int, **options):
    return tasks.Detection(
        squares(6), squares(3, 1), 2, ((8, 8), (12, 12)), 4,
        moments=moments, held_out=held_out, **options,
    )  # fmt: skip


def boxed(folder: Path) -> Path:
    arrays = {}
    for pool, scenes in (("train", squares(12)), ("test", squares(3, 1))):
        arrays |= {
            f"x_{pool}": np.round(scenes.images * 255).astype(np.uint8),
            f"box_{pool}": scenes.boxes.astype(np.float32),
            f"boxcls_{pool}": scenes.classes.astype(np.uint8),
            f"boximg_{pool}": scenes.scene.astype(np.int32),
        }
    path = folder / "squares.npz"
    np.savez(path, **arrays)
    return path


def coco(folder: Path) -> tuple[Path, Path]:
    """16 pictures at twice their size, with boxes in the JSON of COCO; ids are not in sequence."""
    from PIL import Image

    scenes = squares(16)
    images, things = [], []
    for i, image in enumerate(scenes.images):
        pixels = np.kron(image[..., 0], np.ones((2, 2)))
        Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(folder / f"{i:02}.png")
        images.append({"id": 100 + i, "file_name": f"{i:02}.png"})
    for (x1, y1, x2, y2), kind, scene in zip(*scenes[1:], strict=True):
        box = [2 * float(v) for v in (x1, y1, x2 - x1, y2 - y1)]
        things.append({"image_id": 100 + int(scene), "category_id": 7 + 3 * int(kind), "bbox": box})
    things.append({"image_id": 100, "category_id": 7, "bbox": [0, 0, 64, 48], "iscrowd": 1})
    said = {
        "images": images,
        "annotations": things,
        "categories": [{"id": 7, "name": "bright"}, {"id": 10, "name": "pale"}],
    }
    path = folder / "boxes.json"
    path.write_text(json.dumps(said))
    return path, folder


def spikes(folder: Path) -> tuple[Path, Path]:
    """45 + 12 examples of 8 spikes in 6 channels; the class, of 3, is the pair of channels."""
    import h5py

    chance = np.random.default_rng(0)
    paths = folder / "tones_train.h5", folder / "tones_test.h5"
    for path, count in zip(paths, (45, 12), strict=True):
        with h5py.File(path, "w") as file:
            file["labels"] = (np.arange(count) % 3).astype("u1")
            times, units = (
                file.create_dataset(f"spikes/{name}", (count,), h5py.vlen_dtype(np.dtype(kind)))
                for name, kind in (("times", "f2"), ("units", "u2"))
            )
            for i in range(count):
                times[i] = np.sort(chance.uniform(0, 0.8, 8))
                units[i] = 2 * (i % 3) + chance.integers(0, 2, 8)
    return paths


def gestures(folder: Path) -> Path:
    """2 + 1 recordings of 8 trials with 30 events each, and 5 events between trials; the class, of
    4 that there are, is the quarter of the camera that saw something."""
    from tasks import event_files

    path = folder / "DvsGesture"
    path.mkdir()
    chance = np.random.default_rng(0)
    for name in ("user01_led", "user02_lab", "user03_led"):
        rows, times, columns = ["class,startTime_usec,endTime_usec"], [], []
        for trial in range(8):
            label, start = trial % 4, 1000 * (trial + 1)
            rows.append(f"{label + 1},{start},{start + 500}")
            times += np.sort(chance.integers(start, start + 500, 30)).tolist()
            times += range(start + 500, start + 505)
            columns += [*(chance.integers(0, 32, 30) + 32 * label), *[1] * 5]
        count = len(times)
        e = {"t": np.array(times), "x": np.array(columns), "y": chance.integers(0, 128, count),
             "p": chance.integers(0, 2, count)}  # fmt: skip
        (path / f"{name}.aedat").write_bytes(event_files.aedat3(e))
        (path / f"{name}_labels.csv").write_text("\n".join(rows) + "\n")
    (path / "trials_to_train.txt").write_text("user01_led.aedat\nuser02_lab.aedat\n")
    (path / "trials_to_test.txt").write_text("user03_led.aedat\n")
    return path


def hub_folder(folder: Path) -> Path:
    """45 + 10 grey pictures of 6 x 5 pixels in 3 classes, in the form of the hub's data sets: a
    folder of parquet files, which the library loads as it loads what it fetched."""
    import datasets
    from PIL import Image

    path = folder / "shades"
    (path / "data").mkdir(parents=True)
    features = datasets.Features({
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["dark", "grey", "pale"]),
        "note": datasets.Value("string"),
    })  # fmt: skip
    for part, count in (("train", 45), ("test", 10)):
        x, y = shades(count, (6, 5))
        columns = {
            "image": [Image.fromarray(a) for a in x], "label": y.tolist(), "note": ["a"] * count,
        }  # fmt: skip
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(path / "data" / f"{part}-00000-of-00001.parquet")
    return path
