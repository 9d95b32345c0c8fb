"""Series of spikes, one for each kind of synapses, and lives that only plasticity can master."""

from __future__ import annotations

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.neurons.abstract import silent
from metaplast.signals import SPIKE, TRACE

EXAMPLE = "ye_2026"
LIVES = 8


@pytest.fixture(scope="module")
def series(examples):
    return examples("spike_series")


@pytest.fixture(scope="module")
def world(examples):
    return examples("change_detection")


@pytest.fixture(scope="module")
def cortex(world):
    """Lives of a few cells."""
    zero = jnp.zeros(())
    return world.Cortex((12, 6, 3), 40, zero, zero, zero, zero, world.contrast(_pictures()), 4)


def _pictures():
    return jax.random.normal(jax.random.key(5), (9, 64))


def cell(spike: float, trace: float):
    """A cell at the end of a synapse, and at its beginning, where a trace counts the spike."""
    none = silent(jnp.zeros(()), 7)
    post = none.post.at[SPIKE].set(spike).at[TRACE].set(trace)
    pre = none.pre.at[TRACE].set(spike).at[SPIKE].set(spike + trace)
    return eqx.tree_at(lambda c: (c.post, c.pre), none, (post, pre))


def test_a_change_is_the_sum_of_all_terms(series):
    theta = np.random.default_rng(0).standard_normal(len(series.TERMS))
    rule = series.SpikeSeries(jnp.asarray(theta), 0.3, 20)

    def asked(x, before, y, behind, r):
        products = rule.post(cell(y, behind), jnp.asarray([r])) * rule.pre(cell(x, before))
        return float(jnp.sum(products))

    def summed(x, before, y, behind, r):
        values = (x, before * series.SHARE, y, behind * series.SHARE, r)
        units = series.units(20)
        return 0.3 * sum(
            t * u * np.prod(np.power(values, powers))
            for t, u, powers in zip(theta, units, series.TERMS, strict=True)
        )

    for x, y, r in itertools.product((0.0, 1.0), (0.0, 1.0), (0.0, -0.4, 0.6)):
        wanted = summed(x, 0.7, y, 1.9, r)
        assert abs(wanted) > 1e-4
        assert asked(x, 0.7, y, 1.9, r) == pytest.approx(wanted, rel=1e-3, abs=1e-5)
    swapped = asked(1.0, 1.9, 0.0, 0.7, 0.6)
    assert swapped != pytest.approx(summed(0.0, 0.7, 1.0, 1.9, 0.6), rel=0.1)


def test_terms_are_those_of_a_series_cut_at_its_order(series):
    assert len(series.TERMS) == len(set(series.TERMS)) == 44
    assert all(sum(p) <= 3 and p[0] < 2 and p[2] < 2 for p in series.TERMS)
    assert {series.named(p) for p in series.TERMS} >= {"1", "xy", "XYr", "rrr"}
    theta = series.coefficients(xy=-2.0, one=0.5, rXY=3.0)
    found = {series.named(p): float(t) for p, t in zip(series.TERMS, theta, strict=True) if t}
    assert found == {"xy": -2.0, "1": 0.5, "XYr": 3.0}
    for bad in ("xx", "z", "XXYY"):
        with pytest.raises(ValueError, match=f"{bad}: expected"):
            series.coefficients(**{bad: 1.0})


def test_time_to_lick_is_when_the_image_is_another_one(cortex, example):
    for number in range(4):
        key = jax.random.key(number)
        which, change, seen = cortex._drawn(key)
        np.testing.assert_array_equal(np.diff(which) != 0, change[1:])
        assert 0 < np.mean(change) < 1 and len(set(which.tolist())) > 2
        assert np.all(seen >= 0) and np.mean(np.ptp(seen, axis=0)) > 0.01
        which, lick, _ = example.changed(cortex, naming=1.0)._drawn(key)
        np.testing.assert_array_equal(which == 0, lick)
        assert np.any(np.diff(which) == 0) and np.any(np.diff(which) != 0)
        some = [example.changed(cortex, naming=0.5)._drawn(jax.random.key(n)) for n in range(20)]
        named = np.mean([np.all((w == 0) == c) for w, c, _ in some])
        assert 0 < named < 1, "some lives of each task"
        painted = example.changed(cortex, painted=1.0)._drawn(key)[2]
        assert np.abs(painted - seen).max() > 0.01


def test_images_have_contrast_and_gratings_are_new(world):
    for images in (world.gratings(jax.random.key(0), 5), world.contrast(_pictures())):
        np.testing.assert_allclose(jnp.linalg.norm(images, axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(jnp.mean(images, 1), 0, atol=1e-6)
    first, other = (world.gratings(jax.random.key(n), 3) for n in (0, 1))
    assert np.abs(first - other).max() > 0.1
    np.testing.assert_array_equal(first, world.gratings(jax.random.key(0), 3))


def test_weights_keep_their_signs_and_stay_where_nothing_is_plastic(cortex, example, world):
    draws = jax.random.split(jax.random.key(3), len(world.KINDS))
    rules = {
        kind: jax.random.normal(key, (len(example.TERMS),))
        for kind, key in zip(world.KINDS, draws, strict=True)
    }

    @eqx.filter_jit
    def after(rules, key):
        network = cortex.network(rules)
        born = network.born(key)
        spikes = jnp.ones((40, 12))
        return born.weights, world._through(network, born, spikes[:20], True, 0.5, 1)[0].weights

    before, moved = after(rules, jax.random.key(0))
    assert set(before) == set(world.KINDS)
    for kind in world.KINDS:
        sign = -1 if kind.startswith("I->") else 1
        assert np.all(sign * moved[kind] >= 0) and np.any(moved[kind] != before[kind]), kind
    before, still = after(example.no_plasticity(), jax.random.key(0))
    for kind in world.KINDS:
        assert np.any(before[kind] != 0)
        np.testing.assert_array_equal(before[kind], still[kind])


def test_a_band_is_left_by_factors_of_e(world):
    low, high = world.BANDS["E"]
    inside = world._beyond(jnp.asarray([low, (low * high) ** 0.5, high]), "E")
    np.testing.assert_allclose(inside, 0, atol=1e-6)
    outside = world._beyond(jnp.asarray([low / np.e, high * np.e**2]), "E")
    np.testing.assert_allclose(outside, [1, 2], rtol=1e-5)


def test_plasticity_by_hand_tells_a_change_and_reward_helps(example, world):
    zero = jnp.zeros(())
    task = world.Cortex((64, 40, 10), 60, zero, zero, zero, zero, world.contrast(_pictures()))
    hand = example.by_hand(8.0, 0.8, (1.0, 1.0))
    rows = {
        "hand": example.judged(task, hand, LIVES, 0),
        "none": example.judged(task, example.no_plasticity(), LIVES, 0),
        "deaf": example.judged(example.changed(task, deaf=1.0), hand, LIVES, 0),
        "no memory": example.judged(task, example.without(hand, "input->E"), LIVES, 0),
    }
    mean = {name: batch["right"].mean() for name, batch in rows.items()}
    assert mean["hand"] > 65 and 35 < mean["none"] < 60
    assert mean["hand"] > mean["deaf"] + 1 and mean["no memory"] < 60
    np.testing.assert_array_equal(
        rows["hand"]["right"], example.judged(task, hand, LIVES, 0)["right"]
    )
    other = example.judged(task, hand, LIVES, 1)["right"]
    assert np.any(rows["hand"]["right"] != other)


def test_rules_are_put_together_kind_by_kind(example, world):
    ones, threes = ({kind: jnp.full(44, value) for kind in world.KINDS} for value in (1.0, 3.0))
    mean = example.halfway(ones, threes)
    assert all(np.all(mean[kind] == 2.0) for kind in world.KINDS)
    first, second = (example.dealt([ones, threes], n) for n in (0, 1))
    for index, kind in enumerate(world.KINDS):
        assert np.all(first[kind] == (1.0, 3.0)[index % 2])
        assert np.all(first[kind] + second[kind] == 4.0)
    cut = example.without(ones, "I->E")
    assert [kind for kind in world.KINDS if not np.any(cut[kind])] == ["I->E"]
    assert np.all(ones["I->E"] == 1.0)


def test_bad_input_is_refused_in_one_line(example, refused):
    for bad in ("--cells 3,4", "--weight -1", "--larger 1"):
        assert bad.split()[0] in refused(example, *bad.split())
