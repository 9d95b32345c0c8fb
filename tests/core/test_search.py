"""A search that is interrupted goes on to the same bits."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from learners.easy import Easy

from core.small import plain
from metaplast import search
from metaplast.circuits import layered
from metaplast.meta import Backprop, Evolution
from metaplast.objective import Objective

STEPS = 7
OBJECTIVE = Objective(Easy(moments=6), layered(6, (4,), 3))
METAS = {
    "backprop": Backprop(rate=0.1, steps=STEPS, lives=2),
    "evolution": Evolution("SNES", population=4, lives=2),
}


def run(meta, position, steps, **options):
    """Positions after each dispatch, and every meta-loss on the way."""
    places, losses = [], []
    for progress in search.search(OBJECTIVE, plain(), meta, position, steps, **options):
        places.append(progress.position)
        losses.extend(progress.loss)
    return places, np.asarray(losses)


def bits(position) -> list[bytes]:
    position = position._replace(key=jax.random.key_data(position.key))
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(position)]


@pytest.mark.parametrize("name", METAS)
def test_interrupted_and_whole_searches_agree_bit_for_bit(name):
    meta = METAS[name]
    begin = search.begin(OBJECTIVE, plain(), meta, jax.random.key(1))
    whole, losses = run(meta, begin, STEPS, patience=1e-9)
    part, first = run(meta, begin, 3, patience=100.0)
    rest, second = run(meta, part[-1], STEPS, patience=100.0)
    assert int(whole[-1].step) == int(rest[-1].step) == STEPS
    assert bits(whole[-1]) == bits(rest[-1])
    np.testing.assert_array_equal(losses, np.concatenate([first, second]))
    assert np.ptp(losses) > 0
    assert bits(whole[-1]) != bits(begin)
    other, _ = run(meta, search.begin(OBJECTIVE, plain(), meta, jax.random.key(2)), STEPS, patience=100.0)
    assert bits(other[-1]) != bits(whole[-1]), "negative control: another seed, other bits"


def test_what_is_switched_off_stays_off():
    meta = METAS["backprop"]
    genome = plain(0.0)
    begin = search.begin(OBJECTIVE, genome, meta, jax.random.key(1))
    assert jax.tree.leaves(begin.theta) == []
    begin = search.begin(OBJECTIVE, plain(), meta, jax.random.key(1))
    assert len(jax.tree.leaves(begin.theta)) == 2


def test_found_puts_the_searched_leaves_back():
    meta = METAS["backprop"]
    begin = search.begin(OBJECTIVE, plain(), meta, jax.random.key(1))
    places, _ = run(meta, begin, 2)
    rate = search.found(plain(), places[-1]).rules["forward"].rate.log
    assert float(rate) != float(plain().rules["forward"].rate.log)
    assert float(search.found(plain(), begin).rules["forward"].rate.log) == float(
        plain().rules["forward"].rate.log
    )


def test_a_search_stops_when_asked():
    places, _ = run(METAS["backprop"], search.begin(OBJECTIVE, plain(), METAS["backprop"], jax.random.key(1)),
                    STEPS, should_stop=lambda: True)  # fmt: skip
    assert places == []
