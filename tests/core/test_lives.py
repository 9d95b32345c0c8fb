"""A life is the same whoever else lives, and the same again tomorrow."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from learners.easy import Easy

from core.small import CASES
from metaplast.lifetime import live
from metaplast.network import PlasticNetwork

TASK = Easy(moments=12)


@pytest.fixture(scope="module", params=CASES)
def lives(request):
    """A function that lives `n` lives of the seed at once."""
    network = PlasticNetwork(*CASES[request.param]())

    def many(seed, count):
        def one(key):
            sample_key, life_key = jax.random.split(key)
            life, state = live(network, TASK, TASK.sample(sample_key), life_key)
            return life.loss, state.weights

        root = jax.random.key(seed)
        keys = jax.vmap(lambda i: jax.random.fold_in(root, i))(np.arange(count))
        return jax.jit(jax.vmap(one))(keys)

    return many


def test_same_seed_same_bits(lives):
    first, again, other = lives(0, 2), lives(0, 2), lives(1, 2)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert np.asarray(first[0]).tobytes() != np.asarray(other[0]).tobytes()


def test_a_life_does_not_depend_on_how_many_share_a_batch(lives):
    alone, crowd = lives(0, 1), lives(0, 5)
    assert np.ptp(np.asarray(crowd[0]), axis=0).max() > 1e-2, "the lives must differ"
    for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(crowd), strict=True):
        np.testing.assert_allclose(a[0], b[0], rtol=1e-4, atol=1e-4)
    assert np.abs(alone[0][0] - crowd[0][1]).max() > 1e-2


def test_a_learner_learns_and_a_longer_life_begins_like_a_shorter_one(lives):
    losses = np.asarray(lives(0, 5)[0])
    assert np.isfinite(losses).all()
    assert losses.std() > 1e-3
