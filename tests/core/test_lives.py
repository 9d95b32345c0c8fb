"""A life is the same whoever else lives, and the same again tomorrow."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from learners.easy import Easy

from core.small import CASES
from metaplast.learners import Frozen
from metaplast.lifetime import live
from metaplast.network import PlasticNetwork

TASK = Easy(moments=12)


@pytest.fixture(scope="module", params=CASES)
def network(request):
    return PlasticNetwork(*CASES[request.param]())


@pytest.fixture(scope="module")
def lives(network):
    """A function that lives `n` lives of the seed at once."""

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


def test_a_learner_learns_and_a_frozen_one_does_not(network):
    def gained(learner) -> float:
        """By how much the loss falls from the first moments of 64 lives to their last."""

        def one(key):
            sample_key, life_key = jax.random.split(key)
            return live(learner, TASK, TASK.sample(sample_key), life_key)[0].loss

        losses = np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), 64)))
        assert np.isfinite(losses).all() and losses.shape == (64, TASK.moments)
        return float(losses[:, :4].mean() - losses[:, -4:].mean())

    assert gained(network) > 0.25
    assert abs(gained(Frozen(network))) < 0.1


def test_a_longer_life_begins_like_a_shorter_one(network):
    episode = TASK.sample(jax.random.key(1))

    def losses(moments: int, targets) -> np.ndarray:
        part = episode._replace(stimuli=episode.stimuli[:moments], targets=targets[:moments])
        return np.asarray(live(network, TASK, part, jax.random.key(2))[0].loss)

    whole = losses(12, episode.targets)
    np.testing.assert_allclose(losses(5, episode.targets), whole[:5], rtol=1e-4)
    others = episode.targets.at[0].set((episode.targets[0] + 1) % TASK.classes)
    assert np.abs(losses(12, others)[:5] - whole[:5]).max() > 0.01, "another begin, another life"
