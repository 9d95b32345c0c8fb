"""Find things and say what they are: pictures seen through windows, one a moment."""

from __future__ import annotations

import operator
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from metaplast.source import Source
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.boxes import typical
from metaplast.tasks.check import at_least
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.scenes import Scenes, check_scenes
from metaplast.tasks.windows import Windows
from metaplast.types import Episode, Key


class Detection(AbstractTask):
    """A moment shows what is in one window of a picture; the answer is the class of the thing
    that fills it, or background, the last class. So any learner can live it.

    A window shows a thing where their intersection over union is 0.5 or more, else background.
    That is by far the most frequent, so lives meet it in a `background` share of the moments, and
    in half of these a near miss: an intersection over union of 0.1 or more. What counts is
    whole pictures: `metaplast.bench.detect` looks through all windows of the held-out `scenes`,
    and `metaplast.bench.average_precision` scores the boxes.

    References: Girshick (2015) doi:10.1109/ICCV.2015.169; Everingham et al. (2010)
    doi:10.1007/s11263-009-0275-4.
    """

    source: ClassVar[Source] = Source(
        "Everingham, Van Gool, Williams, Winn & Zisserman", 2010,
        "The PASCAL visual object classes (VOC) challenge", "10.1007/s11263-009-0275-4",
    )  # fmt: skip
    patches: Dataset
    """What lives are drawn from."""
    images: Float[Array, "scenes height width channels"]
    """Held-out pictures."""
    boxes: Float[Array, "things 4"]
    """x1 y1 x2 y2 in pixels of all things in the held-out pictures."""
    things: Int[Array, " things"]
    """The class of each of them."""
    scene: Int[Array, " things"]
    """The held-out picture that each of them is in."""
    windows: Windows = eqx.field(static=True)

    def __init__(
        self,
        train: Scenes,
        test: Scenes,
        classes: int,
        sizes: tuple[tuple[int, int], ...] | int = 3,
        patch: int = 12,
        pace: float = 0.25,
        around: float = 0.25,
        background: float = 0.5,
        most: int = 20_000,
        moments: int = 300,
        held_out: int | None = None,
        name: str = "detection",
        checksum: str = "",
    ) -> None:
        """Look through all windows once, and keep patches for lives.

        Args:
            train, test: pictures for lives, and held-out ones, all of one size.
            classes: kinds of things, without the background.
            sizes: height and width of each kind of window; or how many kinds, whose sizes are
                then typical ones of the train boxes.
            patch: side in pixels of what a learner sees.
            pace: distance of neighboring windows as a fraction of their side.
            around: what is seen beyond each border of a window, as a fraction of its side.
            background: share of the patches that show background.
            most: no more patches than this are kept of the train pictures, nor of the others.
            moments: length of a life.
            held_out: test patches of an episode; by default 200, or as many as there are.
            name: what tables call it.
            checksum: see `metaplast.tasks.checksum`.

        Raises:
            ValueError: a wrong argument, boxes that do not fit, windows that show no thing.
        """
        at_least("classes", classes, 1, "give the number of kinds of things")
        at_least("patch", patch, 1, "give the side of a patch in pixels")
        at_least("most", most, 10, "give how many patches are kept")
        for argument, value in (("pace", pace), ("background", background)):
            if not 0 < value < 1:
                raise ValueError(f"{argument} = {value}: expected between 0 and 1; give a fraction")
        if not 0 <= around <= 1:
            raise ValueError(f"around = {around}: expected 0 to 1; give a fraction of the side")
        check_scenes(train, classes, "train")
        check_scenes(test, classes, "test")
        height, width, _ = train.images.shape[1:]
        if test.images.shape[1:] != train.images.shape[1:]:
            raise ValueError(
                f"test: pictures of {test.images.shape[1:]}, expected {train.images.shape[1:]} as "
                "in train; bring all to one size"
            )
        sizes = _sizes(sizes, train.boxes)
        for high, wide in sizes:
            if not (1 <= high <= height and 1 <= wide <= width):
                raise ValueError(
                    f"sizes: a window of {high} x {wide}, expected 1 x 1 to {height} x {width}, "
                    "the size of the pictures; give smaller ones"
                )
        self.windows = Windows(height, width, sizes, patch, pace, around)
        pools = [_patches(s, self.windows, classes, background, most) for s in (train, test)]
        self.patches = Dataset(
            *pools[0], *pools[1], classes=classes + 1, moments=moments, held_out=held_out,
            name=name, checksum=checksum,
        )  # fmt: skip
        self.images = jnp.asarray(test.images, jnp.float32)
        self.boxes = jnp.asarray(test.boxes, jnp.float32)
        self.things = jnp.asarray(test.classes, jnp.int32)
        self.scene = jnp.asarray(test.scene, jnp.int32)

    @property
    def inputs(self) -> int:
        return self.patches.inputs

    @property
    def classes(self) -> int:
        """Kinds of things, and background."""
        return self.patches.classes

    @property
    def moments(self) -> int:
        return self.patches.moments

    @property
    def held_out(self) -> int:
        """Held-out patches of an episode."""
        return self.patches.held_out

    @property
    def name(self) -> str:
        return self.patches.name

    @property
    def checksum(self) -> str:
        """Of the file that the pictures came from; empty where nobody took it."""
        return self.patches.checksum

    def sample(self, key: Key) -> Episode:
        return self.patches.sample(key)


def _sizes(sizes: Any, boxes: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Heights and widths of windows: those that are given, or typical ones of the boxes."""
    if isinstance(sizes, int):
        return typical(boxes, at_least("sizes", sizes, 1, "give how many kinds"))
    try:
        pairs = tuple((operator.index(high), operator.index(wide)) for high, wide in sizes)
    except (TypeError, ValueError):
        pairs = ()
    if not pairs:
        raise ValueError(
            f"sizes = {sizes!r}: expected how many kinds of windows, or integers [height, width] "
            "of each; give for example [[12, 12]]"
        )
    return pairs


def _patches(
    scenes: Scenes, windows: Windows, nothing: int, background: float, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Patches and labels: as many as there are in these shares, at most `most`."""
    told = [
        windows.labels(scenes.boxes[scenes.scene == i], scenes.classes[scenes.scene == i], nothing)
        for i in range(len(scenes.images))
    ]
    labels, near = (np.stack(part) for part in zip(*told, strict=True))
    chance = np.random.default_rng(0)
    shown, missed, empty = (
        chance.permutation(np.flatnonzero(which))
        for which in (labels != nothing, near, (labels == nothing) & ~near)
    )
    if not (len(shown) and len(missed) + len(empty)):
        raise ValueError(
            f"sizes = {windows.sizes}: {len(shown)} windows show a thing and "
            f"{len(missed) + len(empty)} show background, expected some of both; give sizes like "
            "those of the boxes, or a finer pace"
        )
    count = min(most, len(shown) / (1 - background), (len(missed) + len(empty)) / background)
    nothings = max(int(count * background), 1)
    halves = min(len(missed), max(nothings // 2, nothings - len(empty)))
    kept = np.sort(np.concatenate([
        shown[: max(int(count * (1 - background)), 1)],
        missed[:halves],
        empty[: nothings - halves],
    ]))  # fmt: skip
    scene, window = np.divmod(kept, labels.shape[1])
    seen = [windows.patches(scenes.images[i])[window[scene == i]] for i in np.unique(scene)]
    return np.concatenate(seen), labels.reshape(-1)[kept]
