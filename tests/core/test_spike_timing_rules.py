"""Rules of spike timing, held to the sums over pairs and triplets of spikes that define them."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.one_cell import between, driven
from metaplast.neurons import Rate, Traced
from metaplast.rules import Factored, PairSTDP, RewardSTDP, ThreeFactor, TripletSTDP
from metaplast.rules.modulator import known_meaning

TAUS = {"tau_plus": 16.8, "tau_minus": 33.7, "tau_x": 101.0, "tau_y": 114.0}
CELL = Traced(Rate("linear"), **TAUS)
RATE, RATIO = 0.01, 1.2
APART = np.arange(-40, 41, 8)


@functools.partial(jax.jit, static_argnums=0)
def weights(make, pre, post, modulators=None):
    """Weight `[trains, moments]` between two cells of the given spike trains."""
    if modulators is None:
        modulators = jnp.zeros((*pre.shape, 1))

    def one(pre, post, modulators):
        return between(make(), driven(CELL, pre)[1], driven(CELL, post)[1], modulators)

    return jax.vmap(one)(jnp.asarray(pre), jnp.asarray(post), modulators)


def trains(apart, length: int = 100):
    """One pre-synaptic spike at 50, one post-synaptic spike `apart` moments later."""
    pre, post = np.zeros((2, len(apart), length))
    pre[:, 50] = 1.0
    post[np.arange(len(apart)), 50 + apart] = 1.0
    return pre, post


def window(apart):
    up, down = np.exp(-np.abs(apart) / 16.8), np.exp(-np.abs(apart) / 33.7)
    return RATE * np.where(apart >= 0, up, -RATIO * down)


def pair():
    return PairSTDP(RATE, RATIO)


def same_by_channels():
    """Pair STDP as a point of the rule that weighs all products."""
    return Factored((0.0, 0.0, 0.0, RATE, -RATE * RATIO), 0.0)


@pytest.mark.parametrize("make", [pair, same_by_channels])
def test_pairs_give_the_exponential_window(make):
    found = np.asarray(weights(make, *trains(APART)))[:, -1]
    assert np.abs(window(APART)).min() > 5e-4
    np.testing.assert_allclose(found, window(APART), rtol=1e-4)
    assert np.abs(found - window(-APART)).max() > RATE


def random_trains(frequency: float, count: int = 3, length: int = 400):
    rng = np.random.default_rng(0)
    return (rng.random((2, count, length)) < frequency).astype(float)


def all_triplets(pre, post, up2, up3, down2, down3):
    """The change of weight, spike by spike, as the paper's equations sum it."""
    total = 0.0
    x, y = np.flatnonzero(pre), np.flatnonzero(post)
    for t in y:
        r1 = np.exp(-(t - x[x <= t]) / TAUS["tau_plus"]).sum()
        o2 = np.exp(-(t - y[y < t]) / TAUS["tau_y"]).sum()
        total += r1 * (up2 + up3 * o2)
    for t in x:
        o1 = np.exp(-(t - y[y < t]) / TAUS["tau_minus"]).sum()
        r2 = np.exp(-(t - x[x < t]) / TAUS["tau_x"]).sum()
        total -= o1 * (down2 + down3 * r2)
    return total


def test_triplets_are_the_sum_over_all_triplets():
    pre, post = random_trains(0.05)
    sizes = (5e-3, 6e-3, 7e-3, 2e-3)

    def full():
        up2, up3, down2, down3 = sizes
        return TripletSTDP(1.0, up2, up3, down2, down3)

    found = np.asarray(weights(full, pre, post))[:, -1]
    expected = [all_triplets(*two, *sizes) for two in zip(pre, post, strict=True)]
    assert np.abs(expected).min() > 1e-2
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    for index in range(4):
        without = [0.0 if i == index else size for i, size in enumerate(sizes)]
        other = [all_triplets(*two, *without) for two in zip(pre, post, strict=True)]
        assert np.abs(found - other).max() > 1e-2, "every term counts"


def paired(frequency: float, apart: int):
    """60 pairs, one every 1 / frequency s."""
    every = int(1000 / frequency)
    pre, post = np.zeros((2, 1, 100 + 60 * every))
    pre[0, 50 + every * np.arange(60)] = 1.0
    post[0, 50 + apart + every * np.arange(60)] = 1.0
    return pre, post


def test_triplets_turn_depression_into_potentiation_at_high_frequency():
    """Sjöström, Turrigiano & Nelson (2001), which the defaults were fitted to; pairs cannot."""
    changes = {
        make: [float(weights(make, *paired(f, -10))[0, -1]) for f in (5.0, 40.0)]
        for make in (TripletSTDP, pair)
    }
    slow, fast = changes[TripletSTDP]
    assert slow < -0.02 and fast > 0.02
    assert max(changes[pair]) < 0


TAU, WAIT = 30.0, np.asarray([0, 10, 40])


def rewarded():
    return RewardSTDP(0.5, TAU, 1.0, RATIO)


def rewarded_beyond_expectation():
    # Nothing is expected and nothing is learned about it: the surprise is the reward.
    return ThreeFactor(0.5, TAU, 1e9)


@pytest.mark.parametrize("make", [rewarded, rewarded_beyond_expectation])
def test_a_pair_counts_by_what_is_left_of_it_at_the_reward(make):
    pre, post = trains(np.full(3, 5))
    modulators = np.ones((3, 100, 1)) if make is rewarded else np.zeros((3, 100, 1))
    told = 0.0 if make is rewarded else -1.0
    modulators[np.arange(3), 55 + WAIT] = told
    found = np.asarray(weights(make, pre, post, modulators))
    tagged = np.exp(-5 / (16.8 if make is rewarded else 20.0))
    expected = 0.5 * tagged * np.exp(-WAIT / TAU)
    np.testing.assert_allclose(found[:, -1], expected, rtol=1e-4)
    assert expected.min() > 0.05
    assert np.all(found[2, : 55 + WAIT[2]] == 0.0), "nothing before the reward"


def test_the_expected_reward_changes_nothing():
    make = functools.partial(ThreeFactor, 0.5, TAU, 5.0)
    pre, post = trains(np.full(2, 5))
    always = np.ones((2, 100, 1))
    always[1, 55] = 0.0  # right for once
    found = np.asarray(weights(make, pre, post, always))[:, -1]
    assert abs(found[0]) < 1e-4 < 0.02 < found[1]


@pytest.mark.parametrize(
    ("rule", "reward"),
    [
        (functools.partial(RewardSTDP, 0.5, TAU, 0.7, RATIO), lambda wrong: 1.0 - wrong),
        (functools.partial(ThreeFactor, 0.5, TAU, 5.0), lambda wrong: -wrong),
    ],
)
def test_a_reward_is_heard_as_the_error_that_it_is_not(rule, reward):
    heard = functools.partial(rule, hears="reward")
    pre, post = random_trains(0.05, length=100)
    wrong = np.random.default_rng(1).integers(0, 2, (3, 100, 1)).astype(float)
    by_error = np.asarray(weights(rule, pre, post, wrong))
    np.testing.assert_allclose(weights(heard, pre, post, reward(wrong)), by_error, atol=1e-5)
    assert np.abs(np.asarray(weights(rule, pre, post, reward(wrong))) - by_error).max() > 0.01
    with pytest.raises(ValueError, match="hears = 'nothing': expected 'error' or 'reward'"):
        known_meaning("nothing")
