"""Programs that nobody uses any more do not fill a process up."""

import subprocess
import sys
from pathlib import Path

import jax
import pytest

from metaplast import mappings
from metaplast.bench.living import Arena
from metaplast.tasks import digits

MANY = """
import functools

import jax
import jax.numpy as jnp

from metaplast import mappings


@functools.partial(jax.jit, static_argnums=1)
def program(x, number):
    return jnp.sort(jnp.sin(x + number)) @ x


def taken():
    with mappings.OURS.open() as maps:
        return sum(1 for _ in maps)


start = taken()
for number in range(20):
    program.lower(jnp.ones((8, 8)), number).compile()
grown = taken()
mappings.make_room()
full = taken()
mappings.ENOUGH = 0.0
mappings.make_room()
print(grown - start, full - grown, taken() - start)
"""


@pytest.mark.skipif(not mappings.LIMIT.exists(), reason="no limit of mappings on this system")
def test_room_is_made_where_there_are_many_programs_and_only_there():
    told = subprocess.run([sys.executable, "-c", MANY], check=True, capture_output=True, text=True)
    grown, untouched, left = map(int, told.stdout.split())
    assert grown >= 20  # or there is nothing to be made room from
    assert untouched == 0 and left < grown / 2


def test_a_comparison_makes_room_after_every_row(monkeypatch):
    calls = []
    monkeypatch.setattr(jax, "clear_caches", lambda: calls.append("cleared"))
    monkeypatch.setattr(mappings, "share", lambda: 0.9)
    arena = Arena(digits(moments=2), 0)
    arena.reset()
    assert calls == ["cleared"]
    monkeypatch.setattr(mappings, "share", lambda: 0.1)
    arena.reset()
    assert calls == ["cleared"]


def test_an_unknown_limit_is_none(monkeypatch):
    assert not mappings.LIMIT.exists() or 0 < mappings.share() < 1
    monkeypatch.setattr(mappings, "LIMIT", Path("/nowhere/at/all"))
    assert mappings.share() == 0
