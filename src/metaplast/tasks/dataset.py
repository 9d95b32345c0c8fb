"""A task from arrays in memory: lives are drawn from a train pool, judged on a test pool."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from metaplast.tasks.abstract import AbstractTask
from metaplast.tasks.check import at_least, check_examples, check_width
from metaplast.types import Episode, Key

HELD_OUT = 200
"""Test examples of an episode where nobody says how many."""


class Dataset(AbstractTask):
    """Episodes drawn from a fixed pool of labelled examples.

    A life sees the train pool in random order, each example once. A life longer than
    the pool sees it pass after pass, each pass in a fresh order, so that a longer life
    drawn from the same key begins as the shorter one does.
    """

    x_train: Float[Array, "train inputs"]
    """Stimuli in natural units, [0, 1] for images."""
    y_train: Int[Array, " train"]
    x_test: Float[Array, "test inputs"]
    y_test: Int[Array, " test"]
    classes: int = eqx.field(static=True)
    moments: int = eqx.field(static=True)
    held_out: int = eqx.field(static=True)
    """Test examples in each episode, all different."""
    name: str = eqx.field(static=True)
    checksum: str = eqx.field(static=True)
    """SHA-256 of the arrays of the file that it came from; empty where nobody took it."""

    def __init__(
        self,
        x_train,
        y_train,
        x_test,
        y_test,
        classes: int | None = None,
        moments: int = 300,
        held_out: int | None = None,
        name: str = "dataset",
        checksum: str = "",
    ) -> None:
        """Check and keep the pools.

        Args:
            x_train, x_test: stimuli `[examples, inputs]`.
            y_train, y_test: labels `[examples]`, 0 to `classes - 1`.
            classes: number of classes; by default the highest label of `y_train` and one.
            moments: length of a life.
            held_out: test examples in each episode; by default 200, or all where the
                test pool has fewer.
            name: what tables and figures call it.
            checksum: see `metaplast.tasks.checksum`.

        Raises:
            ValueError: arrays that do not fit each other, labels out of range, values
                that are not finite, more held-out examples than there are.
        """
        pools = (x_train, y_train, x_test, y_test)
        if classes is None:
            classes = int(np.max(np.asarray(y_train), initial=-1)) + 1
        self.classes = at_least("classes", classes, 1, "give the number of classes")
        self.moments = at_least("moments", moments, 1, "give the length of a life")
        if not any(isinstance(pool, Tracer) for pool in pools):
            _check(self.classes, *(np.asarray(pool) for pool in pools))
        size = np.shape(x_test)[0]
        self.held_out = at_least(
            "held_out", min(HELD_OUT, size) if held_out is None else held_out, 1,
            "give the number of test examples of an episode",
        )  # fmt: skip
        if self.held_out > size:
            raise ValueError(
                f"held_out = {self.held_out}: expected at most {size}, the size of the test pool "
                f"of {name}; give fewer"
            )
        self.x_train, self.x_test = (_as(x, jnp.float32) for x in (x_train, x_test))
        self.y_train, self.y_test = (_as(y, jnp.int32) for y in (y_train, y_test))
        self.name, self.checksum = name, checksum

    @property
    def inputs(self) -> int:
        return self.x_train.shape[1]

    def sample(self, key: Key) -> Episode:
        life_key, test_key = jax.random.split(key)
        life = in_passes(self.x_train.shape[0], self.moments, life_key)
        test = in_passes(self.x_test.shape[0], self.held_out, test_key)
        return Episode(self.x_train[life], self.y_train[life], self.x_test[test], self.y_test[test])


def in_passes(size: int, count: int, key: Key) -> Int[Array, " count"]:
    """`count` indices below `size`, pass after pass, each pass a fresh permutation.

    Passes are mapped, not written out one by one: what is compiled does not grow with a life.
    """
    passes = jnp.arange(-(-count // size))
    keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(passes)
    orders = jax.vmap(lambda pass_key: jax.random.permutation(pass_key, size))(keys)
    return orders.reshape(-1)[:count]


def _as(array, kind):
    """The array as one of JAX, of that type; NumPy changes the type without a compilation."""
    return jnp.asarray(array if isinstance(array, jax.Array) else np.asarray(array, kind), kind)


def _check(classes: int, x_train, y_train, x_test, y_test) -> None:
    for name, array in (("x_train", x_train), ("x_test", x_test)):
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name}: type {array.dtype}, expected numbers; give rows of them")
    check_examples(x_train, y_train, classes, "train")
    check_examples(x_test, y_test, classes, "test")
    check_width(x_train, x_test)
