"""A function over many items, such as lives: few at once, and on all devices there are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

AT_ONCE = 8
"""Most lives in a chunk on a CPU, where the weights of a few stay in a cache
(`benchmarks/limit.py`); an accelerator takes all of its share."""
MOST_DEVICES = 8
"""Cores that become devices: each of them holds a copy of the task's data."""
ITEMS = "items"

_OURS = "JAX_NUM_CPU_DEVICES"
_XLAS = "--xla_force_host_platform_device_count"


class Chunks:
    """How many lives `spread` lives at once, for whoever has to know or to say.

    Args:
        most: lives in a chunk, where a program would not fit the memory otherwise.
    """

    def __init__(self, most: int | None = None):
        self.most = most
        self.largest = 0
        """Lives in the largest chunk that `spread` has chosen; 0 where it has chosen none."""

    def chosen(self, items: int, lives: int) -> int:
        """Items in a chunk, of those that would be chosen without a limit."""
        if self.most is not None:
            items = min(items, max(1, self.most // lives))
        self.largest = max(self.largest, items * lives)
        return items


_chunks: ContextVar[Chunks | None] = ContextVar("chunks", default=None)


@contextlib.contextmanager
def chunked(most: int | None = None) -> Iterator[Chunks]:
    """Where it is not said otherwise, at most so many lives at once in what is traced inside."""
    chunks = Chunks(most)
    token = _chunks.set(chunks)
    try:
        yield chunks
    finally:
        _chunks.reset(token)


def most_at_once() -> int | None:
    """The limit that is in force."""
    chunks = _chunks.get()
    return chunks and chunks.most


def use_cores(environment: Mapping[str, str] = os.environ) -> None:
    """Make every core a device of its own, so that lives are spread over cores.

    One life's small steps do not keep several cores busy, so one device with all cores is slower
    than as many devices with one core each. To be called before JAX computes anything, and without
    effect after that; whoever has chosen a number of devices keeps it. There are always two at
    least: a program for one device is compiled in another way, and rounds differently.
    """
    if _OURS not in environment and _XLAS not in environment.get("XLA_FLAGS", ""):
        with contextlib.suppress(RuntimeError):  # JAX has computed something already
            jax.config.update("jax_num_cpu_devices", max(2, min(_cores(), MOST_DEVICES)))


def everywhere(tree: Any) -> Any:
    """The arrays of a tree, copied to every device, as a program that spreads wants them."""
    return jax.device_put(tree, on_every_device())


def on_every_device() -> NamedSharding:
    """Where arrays are that every device has a copy of."""
    return NamedSharding(_mesh(), P())


def spread(
    function: Callable[[Any], Any], items: Any, at_once: int | None = None, lives: int = 1
) -> Any:
    """`jax.vmap(function)(items)`, in chunks and over all local devices.

    On a CPU, how items are cut into chunks does not depend on the devices, so neither do the
    results, if there are two devices at least. Accelerators get equal shares. Chunks are dealt out
    to the devices in turn; a device for which none is left stays idle (`busy`).

    Args:
        function: of one item; it may close over traced arrays.
        items: leaves `[count, ...]`.
        at_once: most items in a chunk. By default as many as make `AT_ONCE` lives on a CPU, where
            a few items are still cut in two, for two devices; elsewhere as many as make one chunk
            for each device; and fewer where `chunked` says so.
        lives: how many lives an item stands for.

    Returns:
        What the function returns, with leaves `[count, ...]`, on every device.
    """
    count = jax.tree.leaves(items)[0].shape[0]
    size = min(count, at_once or _at_once(count, lives))
    chunks = -(-count // size)
    devices = len(jax.local_devices())
    if chunks == 1:
        return jax.vmap(function)(items)
    if devices == 1:
        return _joined(jax.lax.map(jax.vmap(function), _cut(items, chunks, size)), count)
    rounds = -(-chunks // devices)
    # Dealt out as cards are, so that no device gets all of what is left over.
    order = np.arange(rounds * devices).reshape(rounds, devices).T.reshape(-1)
    dealt = jax.tree.map(lambda a: a[order], _cut(items, rounds * devices, size))
    kinds: list[Any] = []  # of the random keys among what the function returns

    def numbers(item):
        made = function(item)
        kinds[:] = [jax.random.key_impl(a) if _is_key(a) else None for a in jax.tree.leaves(made)]
        return jax.tree.map(lambda a: jax.random.key_data(a) if _is_key(a) else a, made)

    every = jax.jit(jax.vmap(numbers))  # so that it is traced once for all its uses below

    def share(real, chunks):
        """What one device makes of the chunks that it was dealt; what only pads is not computed."""
        shapes = jax.eval_shape(every, jax.tree.map(lambda a: a[0], chunks))

        def nothing(chunk):
            return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

        def one(given):
            return jax.lax.cond(given[0], every, nothing, given[1])

        return _gathered(jax.lax.map(one, (real, chunks)))

    done = jax.shard_map(share, mesh=_mesh(), in_specs=P(ITEMS), out_specs=P(), check_vma=False)(
        jnp.asarray(order < chunks), dealt
    )
    return _with_keys(_joined(jax.tree.map(lambda a: a[np.argsort(order)], done), count), kinds)


def _with_keys(tree, kinds: list[Any]):
    """Random keys made again of their numbers, for devices exchange only these."""
    leaves, structure = jax.tree.flatten(tree)
    made = [
        leaf if kind is None else jax.random.wrap_key_data(leaf, impl=kind)
        for leaf, kind in zip(leaves, kinds, strict=True)
    ]
    return jax.tree.unflatten(structure, made)


def _is_key(leaf) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _gathered(tree):
    """What all devices have, on each of them: sums over it are then the same bits for any number
    of devices."""
    return jax.lax.all_gather(tree, ITEMS, axis=0, tiled=True)


def _cut(items, chunks: int, size: int):
    """Leaves `[chunks, size, ...]`; the last item is repeated where they are too few."""
    count = jax.tree.leaves(items)[0].shape[0]
    index = np.minimum(np.arange(chunks * size), count - 1).reshape(chunks, size)
    return jax.tree.map(lambda a: a[index], items)


def _joined(tree, count: int):
    return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:count], tree)


def busy(count: int, lives: int = 1, at_once: int | None = None) -> int:
    """How many devices have something to do when so many items are spread; see `spread`."""
    size = min(count, at_once or _chosen(count, lives))
    return min(-(-count // size), len(jax.local_devices()))


def _at_once(count: int, lives: int) -> int:
    items, chunks = _chosen(count, lives), _chunks.get()
    return chunks.chosen(items, lives) if chunks else items


def _chosen(count: int, lives: int) -> int:
    if jax.default_backend() == "cpu":
        return min(max(1, AT_ONCE // lives), -(-count // 2))
    return -(-count // len(jax.local_devices()))


def _mesh() -> Mesh:
    return Mesh(np.asarray(jax.local_devices()), (ITEMS,))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
