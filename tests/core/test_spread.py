"""Spreading lives over chunks and devices changes when they are lived, and nothing else."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.memory import used
from metaplast.spread import AT_ONCE, spread

SEARCH = """
import hashlib, pathlib, sys
import jax, numpy as np
from metaplast.ahead import start
from metaplast.experiment import build
from metaplast.search import search
from metaplast.spec import load, with_overrides
from metaplast.spread import ITEMS, busy, spread, use_cores

use_cores()
tiny = with_overrides(load(pathlib.Path(sys.argv[1])), ["meta.lives=5", "meta.width=2"])
experiment = build(tiny)
position, _ = start(experiment)
*_, last = search(experiment.objective, experiment.genome, experiment.meta, position, 3)
leaves = jax.tree.leaves(last.position.theta)
moved = any(np.any(a != b) for a, b in zip(leaves, jax.tree.leaves(position.theta)))
bits = hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in leaves)).hexdigest()

called = []
def square(x):
    jax.debug.callback(called.append, x)
    return x * x
items = jax.numpy.arange(5.0)
squares = jax.jit(lambda items: spread(square, items, 1))(items)
jax.effects_barrier()

def used(count):
    # How many devices live something when so many items are spread.
    where = set()
    def placed(x):
        jax.debug.callback(lambda place: where.add(int(place)), jax.lax.axis_index(ITEMS))
        return 2 * x
    doubled = jax.jit(lambda items: spread(placed, items))(jax.numpy.arange(1.0, 1.0 + count))
    jax.effects_barrier()
    assert np.asarray(doubled).tolist() == [2.0 * x for x in range(1, 1 + count)]
    assert len(where) == busy(count), (count, where)
    return len(where)

on_cpu = [used(count) for count in (2, 8, 17, 32)]
jax.default_backend = lambda: "gpu"  # accelerators get equal shares, whatever fits a cache
elsewhere = [used(count) for count in (2, 8, 17, 32)]
squares = np.asarray(squares).tolist()
print(len(leaves[0].devices()), moved, bits, len(called), squares, on_cpu, elsewhere, sep=";")
"""


@pytest.mark.parametrize("count", [1, 5, AT_ONCE, 2 * AT_ONCE + 1])
@pytest.mark.parametrize(("at_once", "lives"), [(None, 1), (None, 3), (2, 1), (100, 1)])
def test_spread_is_vmap(count, at_once, lives):
    items = {"a": jnp.arange(1.0, count + 1), "b": jnp.ones((count, 2))}

    def function(item):
        return item["a"] * item["b"], jnp.sin(item["a"])

    want = jax.vmap(function)(items)
    assert all(np.all(np.asarray(leaf) != 0) for leaf in want)
    jax.tree.map(np.testing.assert_array_equal, spread(function, items, at_once, lives), want)


def searched(devices: int, tiny) -> list[str]:
    """What a process with that many devices tells."""
    environment = os.environ | {"JAX_NUM_CPU_DEVICES": str(devices)}
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, str(tiny)],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip().split(";")


def test_a_search_finds_the_same_bits_on_two_devices_and_on_four(request):
    tiny = request.config.rootpath / "tests" / "tiny.toml"
    two, four = searched(2, tiny), searched(4, tiny)
    assert [two[0], four[0]] == ["2", "4"]
    assert two[1] == "True"  # the search has moved, so that its bits say something
    assert two[1:5] == four[1:5]
    assert two[3] == "5"  # devices for which nothing is left compute nothing
    assert two[5:] == ["[2, 2, 2, 2]"] * 2
    assert four[5:] == ["[2, 2, 3, 4]", "[2, 4, 4, 4]"]


def test_working_memory_does_not_grow_with_the_number_of_items():
    def costly(x):
        return jnp.sum(jnp.sort(jnp.sin(x * jnp.arange(10_000.0))))

    def needed(count, function):
        return used(jax.jit(function).lower(jax.ShapeDtypeStruct((count,), float)).compile())

    few, many = (needed(n, lambda items: spread(costly, items)) for n in (64, 12_800))
    assert few > 10**5 and many < 1.5 * few
    whole = needed(640, jax.vmap(costly))
    assert whole > 5 * many, "negative control: all at once"
