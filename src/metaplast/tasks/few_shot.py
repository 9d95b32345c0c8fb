"""Few-shot learning: lives of a few new classes, each seen a few times."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from metaplast.source import Source
from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.check import at_least
from metaplast.tasks.dataset import Dataset
from metaplast.tasks.pools import known_split, title
from metaplast.types import Episode, Key


class FewShot(AbstractTask):
    """N-way K-shot lives: `ways` classes of a data set with many, drawn for every life and
    numbered as they were drawn; each is shown `shots` times, all in random order.

    Held out are `queries` other examples of each class; the accuracy on these is what the
    literature reports, chance is 1 / ways. A class is met for the first time in each life
    once, so the accuracy *during* a life says little at few shots;
    `metaplast.bench.presentations` splits it by how often a class was seen before.

    Classes are kept apart, not examples: those of a search that lives `FewShot` are never met by a
    comparison that does. A search on the data set itself has seen all classes.

    References: Lake et al. (2015) doi:10.1126/science.aab3050; Vinyals et al. (2016)
    arXiv:1606.04080.
    """

    source: ClassVar[Source] = Source(
        "Lake, Salakhutdinov & Tenenbaum", 2015,
        "Human-level concept learning through probabilistic program induction",
        "10.1126/science.aab3050",
    )  # fmt: skip
    x: Float[Array, "examples inputs"]
    """All examples of the classes of this split, class after class."""
    begins: Int[Array, " pool"]
    """Where the examples of each class begin."""
    counts: Int[Array, " pool"]
    most: int = eqx.field(static=True)
    """Examples of the largest class."""
    ways: int = eqx.field(static=True)
    shots: int = eqx.field(static=True)
    queries: int = eqx.field(static=True)
    name: str = eqx.field(static=True)
    checksum: str = eqx.field(static=True)
    """That of the data set."""

    def __init__(
        self,
        task: AbstractTask,
        ways: int = 5,
        shots: int = 1,
        queries: int = 3,
        split: str = "bench",
    ) -> None:
        """Gather the examples of each class.

        Args:
            task: the data set; its train and test examples are put together, so make it with
                `split="all"` to have all there are, or with `split="bench"` where rules are
                compared that were searched on the same classes outside of `FewShot`.
            ways: classes in a life.
            shots: how often each is shown.
            queries: held-out examples of each.
            split: `search` draws from four tenths of the classes, `bench` from the others,
                `all` from all. Classes with fewer than `shots + queries` examples are left out.

        Raises:
            ValueError: a wrong argument, a task that is no data set, too few classes that
                have enough examples.
        """
        for argument, value in (("ways", ways), ("shots", shots), ("queries", queries)):
            at_least(argument, value, 1, "give a larger one")
        if not isinstance(task, Dataset):
            raise ValueError(
                f"task: {type(task).__name__}, expected a data set in memory, for classes are "
                "gathered from all its examples; wrap the few-shot task instead of the data set"
            )
        x = np.concatenate([task.x_train, task.x_test])
        y = np.concatenate([task.y_train, task.y_test])
        sizes = np.bincount(y, minlength=task.classes)
        pool = _classes(task.classes, split)
        pool = pool[sizes[pool] >= shots + queries]
        if len(pool) < ways:
            raise ValueError(
                f"ways = {ways}: {len(pool)} classes of {task.name} ({split}) have the "
                f"{shots + queries} examples that {shots} shots and {queries} queries take, "
                f"expected {ways} or more; give fewer ways, shots or queries"
            )
        self.counts = jnp.asarray(sizes[pool], jnp.int32)
        self.begins = jnp.cumsum(self.counts) - self.counts
        self.x = jnp.asarray(np.concatenate([x[y == c] for c in pool]), jnp.float32)
        self.most = int(sizes[pool].max())
        self.ways, self.shots, self.queries = ways, shots, queries
        inner = task.name.removesuffix(" (all examples)").removesuffix(" (all images)")
        self.checksum = task.checksum
        self.name = title(f"{inner}, {ways}-way {shots}-shot", split, "classes")

    @property
    def inputs(self) -> int:
        return self.x.shape[1]

    @property
    def classes(self) -> int:
        return self.ways

    @property
    def moments(self) -> int:
        return self.ways * self.shots

    @property
    def held_out(self) -> int:
        """Held-out examples of an episode."""
        return self.ways * self.queries

    def sample(self, key: Key) -> Episode:
        class_key, example_key, order_key = jax.random.split(key, 3)
        chosen = jax.random.permutation(class_key, self.begins.shape[0])[: self.ways]
        examples = jax.vmap(self._drawn)(chosen, jax.random.split(example_key, self.ways))
        names = jnp.broadcast_to(jnp.arange(self.ways)[:, None], examples.shape)
        order = jax.random.permutation(order_key, self.moments)
        life, label = (a[:, : self.shots].reshape(-1)[order] for a in (examples, names))
        test, asked = (a[:, self.shots :].reshape(-1) for a in (examples, names))
        return Episode(self.x[life], label, self.x[test], asked)

    def _drawn(self, chosen: Int[Array, ""], key: Key) -> Int[Array, " shown"]:
        """Different examples of one class, as rows of `x`."""
        score = jax.random.uniform(key, (self.most,))
        score = jnp.where(jnp.arange(self.most) < self.counts[chosen], score, jnp.inf)
        return self.begins[chosen] + jnp.argsort(score)[: self.shots + self.queries]


def _classes(count: int, split: str) -> np.ndarray:
    """The classes of one split, by one fixed permutation."""
    if known_split(split) == "all":
        return np.arange(count)
    order, searched = np.random.default_rng(0).permutation(count), count * 4 // 10
    return np.sort(order[:searched] if split == "search" else order[searched:])
