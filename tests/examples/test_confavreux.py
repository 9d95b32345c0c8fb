"""Four rules in one spiking network: what a spike changes, and which rules pass."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

EXAMPLE = "confavreux_2023"


@pytest.fixture(scope="module")
def network(examples):
    """The module of the network that the rules are in."""
    return examples("four_rules")


@pytest.fixture(scope="module")
def place(network):
    return network.Place(6, 3, 1.0, 0.1, 0.4)


def spike_by_spike(weight, wired, rule, pre, post, rate):
    """The same, one spike after the other."""
    weight, traces = weight.copy(), [np.zeros(pre.shape[1]), np.zeros(post.shape[1])]
    for x, y in zip(pre, post, strict=True):
        for i, j in zip(*np.nonzero(wired), strict=True):
            weight[i, j] += rate * x[j] * (rule[2] + rule[5] * traces[1][i])
            weight[i, j] += rate * y[i] * (rule[3] + rule[4] * traces[0][j])
        traces = [
            np.exp(-1 / tau) * (t + z) for tau, t, z in zip(rule, traces, (x, y), strict=False)
        ]
    return weight


def test_blocks_change_weights_as_spikes_do_one_by_one(network):
    random = np.random.default_rng(0)
    pre, post = (random.random((2 * network.BLOCK, n)) < 0.2 for n in (4, 3))
    pre, post = pre.astype(float), post.astype(float)
    wired = random.random((3, 4)) < 0.7
    weight = wired * 1.0
    rule = np.asarray([15.0, 40.0, 0.5, -0.4, 1.5, -1.2])

    def in_blocks(rule):
        found, traces = weight, (jnp.zeros(4), jnp.zeros(3))
        for part in range(2):
            now = slice(part * network.BLOCK, (part + 1) * network.BLOCK)
            found, traces = network.changed(found, wired, rule, (pre[now], post[now]), traces)
        return np.asarray(found)

    wanted = spike_by_spike(weight, wired, rule, pre, post, network.RATE)
    assert np.abs(wanted - weight).max() > 1e-3
    np.testing.assert_allclose(in_blocks(rule), wanted, atol=1e-6)
    swapped = rule[[1, 0, 2, 3, 5, 4]]
    assert np.abs(in_blocks(swapped) - wanted).max() > 1e-3, "sender taken for receiver"


def test_a_membrane_leaks_to_rest_and_spikes_under_drive(network):
    zero, none = jnp.zeros(3), jnp.zeros((3, 2))
    cells = network.Cells(jnp.full(3, -60.0), zero, zero, zero, zero, zero)
    after = network.stepped(cells, none, none[:, :1], zero)
    np.testing.assert_allclose(after.membrane, -70 + 10 * np.exp(-1 / 20), rtol=1e-6)
    assert not np.any(after.spikes)
    driven = network.stepped(cells, none, none[:, :1], jnp.asarray([50.0, 0.0, 50.0]))
    np.testing.assert_array_equal(driven.spikes, [1, 0, 1])
    again = network.stepped(driven, none, none[:, :1], jnp.full(3, 50.0))
    np.testing.assert_array_equal(again.spikes, [0, 1, 0])  # refractory
    calmed = network.stepped(
        cells._replace(spikes=jnp.asarray([0.0, 0.0, 1.0])), none, jnp.full((3, 1), 30.0), zero
    )
    assert np.all(calmed.membrane < -70)


def test_measures_of_irregularity_know_chance_from_a_clock(network):
    random = np.random.default_rng(0)
    chance = jnp.asarray(random.random((20000, 20)) < 0.02, float)
    variation, over_cells, over_time, synchrony = map(float, network.irregular(chance))
    assert abs(variation - 1) < 0.05 and abs(over_cells - 1) < 0.1 and abs(over_time - 1) < 0.1
    assert abs(synchrony - np.sqrt(0.02 * 0.98 / 20)) < 1e-3
    clock = jnp.asarray((np.arange(20000) % 50 == 0)[:, None] * np.ones(20))
    variation, over_cells, over_time, together = map(float, network.irregular(clock))
    assert variation < 1e-6 and over_time < 1e-6 and together > 4 * synchrony


def test_a_rule_passes_where_all_bounds_are_kept(example):
    inside = np.asarray([
        np.sqrt(max(low, 1e-3) * high) for f in example.FILTERS.values() for low, high in f.values()
    ])  # fmt: skip
    outside = np.tile(inside, (len(inside), 1))
    for index, (_, high) in enumerate(b for f in example.FILTERS.values() for b in f.values()):
        outside[index, index] = high * np.e
    np.testing.assert_array_equal(example.plausible(inside[None]), [100])
    np.testing.assert_array_equal(example.plausible(outside), 0)
    np.testing.assert_allclose(example.excess(outside, example.FILTERS), 1, atol=1e-9)
    broken = np.where(np.arange(len(inside)) == 0, np.nan, inside)
    assert example.excess(broken[None], example.FILTERS)[0] == np.inf
    silent = np.where(np.arange(len(inside)) == 0, 0.0, inside)
    assert example.excess(silent[None], ["stable activity"])[0] > 1


def test_rules_are_drawn_as_widely_as_their_parents_and_inside_the_box(example):
    random = np.random.default_rng(0)
    box = example.HIGH - example.LOW
    parents = example.LOW + box * (0.5 + 0.1 * random.standard_normal((40, 24)))
    drawn = example.drawn(parents, 4000, 0.4, random)
    np.testing.assert_allclose(drawn.std(0), parents.std(0), rtol=0.15)
    np.testing.assert_allclose(drawn.mean(0), parents.mean(0), atol=0.02 * box.max())
    edge = example.drawn(np.clip(parents + 0.5 * box, None, example.HIGH), 4000, 0.4, random)
    assert np.all((edge >= example.LOW) & (edge <= example.HIGH))


def test_controls_take_apart_what_was_found_together(example):
    rules = np.arange(5 * 24.0).reshape(5, 24)
    mixed = example.shuffled(rules, np.random.default_rng(1))
    for kind in range(4):
        part = slice(6 * kind, 6 * kind + 6)
        assert sorted(map(tuple, mixed[:, part])) == sorted(map(tuple, rules[:, part]))
    assert not any(tuple(rule) in set(map(tuple, rules)) for rule in mixed)
    one = example.alone(rules, "IE").reshape(5, 4, 6)
    np.testing.assert_array_equal(one[:, 2], rules.reshape(5, 4, 6)[:, 2])
    assert not np.any(one[:, [0, 1, 3], 2:])


def test_weights_stay_where_rules_are_frozen_and_nowhere_else(network, example, place):
    weights = slice(network.MEASURES.index("weight EE"), network.MEASURES.index("weight II") + 1)
    rules = np.concatenate([example.frozen(), example.frozen() + np.tile([0, 0, 1, 1, 1, 1], 4)])
    still, moved = network.measured(place, rules, 0)[:, weights]
    np.testing.assert_allclose(still, list(network.BIRTH.values()), rtol=1e-6)
    assert np.all(np.abs(moved - still) > 1e-3)
    stronger = network.measured(place, example.frozen(), 0, stronger=2.0)[0, weights]
    np.testing.assert_allclose(stronger, [0.2, 0.2, 1, 1], rtol=1e-6)


def test_bad_input_is_refused_in_one_line(example, refused):
    for bad in ("--seconds 0", "--width 2", "--parents 9 --rules 3"):
        assert bad.split()[0] in refused(example, *bad.split())


def test_lives_are_those_of_their_seed(network, example, place):
    rules = example.frozen(2)
    first = network.measured(place, rules, 0)
    np.testing.assert_array_equal(first, network.measured(place, rules, 0))
    np.testing.assert_allclose(first[0], first[1], rtol=1e-5)
    assert np.any(first != network.measured(place, rules, 1))
    assert jax.tree.all(jax.tree.map(np.isfinite, first.tolist()))
