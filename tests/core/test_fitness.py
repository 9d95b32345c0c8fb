"""What candidates are worth: the lives that they share are drawn once for all of them."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.meta.fitness import fitness

CANDIDATES, LIVES, DRAWN = 6, 4, 7


def evaluate(candidate, key):
    """The distance of a candidate from what its life draws."""
    loss = jnp.sum((candidate - jax.random.normal(key, (DRAWN,))) ** 2)
    return loss, (loss,)


def candidates():
    return jax.random.normal(jax.random.key(1), (CANDIDATES, DRAWN))


def draws(worlds) -> list[str]:
    """Shapes of all random bits that a generation draws."""

    def generation(candidates, key):
        return fitness(evaluate, candidates, LIVES, key, worlds).values

    text = str(jax.make_jaxpr(generation)(candidates(), jax.random.key(0)))
    return re.findall(rf"u32\[((?:\d+,)*{LIVES},{DRAWN})\] = random_bits", text)


def test_shared_lives_are_drawn_once():
    assert draws(None) == [f"{LIVES},{DRAWN}"]
    # Negative control: where candidates live lives of their own, each has its own draws.
    own = draws(np.arange(CANDIDATES))
    assert own and all(shape.count(",") == 2 for shape in own)


@pytest.mark.parametrize("scale", [1.0, 1e9])
def test_who_has_no_number_is_worth_less_than_anybody(scale):
    def lost(candidate, key):
        loss = scale * candidate[0] + 0.0 * jax.random.uniform(key)
        return jnp.where(candidate[1] > 0, jnp.nan, loss), (loss,)

    given = jnp.asarray([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    found = fitness(lost, given, 2, jax.random.key(0))
    assert found.sound.tolist() == [False, True, True]
    np.testing.assert_allclose(found.values[1:], scale)
    assert float(found.values[0]) > float(found.values[1])


@pytest.mark.parametrize("worlds", [None, np.arange(CANDIDATES) % 2])
def test_everybody_is_worth_what_he_is_alone(worlds):
    key = jax.random.key(0)
    found = fitness(evaluate, candidates(), LIVES, key, worlds)
    of = np.zeros(CANDIDATES, int) if worlds is None else worlds
    keys = jax.random.split(key, (int(of.max()) + 1, LIVES))
    alone = [
        np.mean([float(evaluate(one, k)[0]) for k in keys[world]])
        for one, world in zip(candidates(), of, strict=True)
    ]
    assert np.ptp(alone) > 1
    np.testing.assert_allclose(found.values, alone, rtol=1e-5)
    if worlds is None:
        # Negative control: other lives are worth something else.
        other = fitness(evaluate, candidates(), LIVES, jax.random.key(5)).values
        assert np.abs(np.asarray(other) - alone).max() > 0.1
