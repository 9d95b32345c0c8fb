"""Rules that are alike are merged, and synapses obey the rules that they follow."""

from __future__ import annotations

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

EXAMPLE = "pedersen_2021"
CENTERS = np.asarray([[3.0, 0, 0, 0], [0, -3.0, 1, 0], [-2.0, 2, 0, 4]])
GROUP = np.asarray([0, 1, 2, 2, 1, 0, 0, 1, 2])


@pytest.fixture
def rules(example):
    """Nine rules in three groups, whose offsets from their centers sum to zero, and two synapses of
    each."""
    offsets = 0.1 * np.asarray([-1.0, -1, -1, 0, 0, 0, 1, 1, 1])[:, None]
    terms = jnp.asarray(CENTERS[GROUP] + offsets)
    return example.Rules(terms, jnp.asarray(np.random.default_rng(0).permutation(18) % 9))


def test_rules_that_are_alike_become_their_mean(example, rules):
    few = example.merged(rules, 3, 0)
    assert few.terms.shape == (3, 4)
    followed = np.asarray(few.terms[few.of])
    np.testing.assert_allclose(followed, CENTERS[GROUP[np.asarray(rules.of)]], atol=1e-6)
    # A second merging of what is merged finds who follows whom through both.
    one = example.merged(few, 1, 0)
    np.testing.assert_allclose(one.terms, CENTERS.mean(0)[None], atol=1e-6)
    assert set(np.asarray(one.of).tolist()) == {0}


def test_as_many_clusters_as_rules_change_nothing_and_too_few_do(example, rules):
    before = np.asarray(rules.terms[rules.of])
    same = example.merged(rules, 9, 0)
    np.testing.assert_allclose(same.terms[same.of], before, atol=1e-6)
    two = example.merged(rules, 2, 0)
    assert np.abs(np.asarray(two.terms[two.of]) - before).max() > 1
    shuffled = rules._replace(of=jnp.roll(rules.of, 1))
    few = example.merged(shuffled, 3, 0)
    assert np.abs(np.asarray(few.terms[few.of]) - before).max() > 1, "of other synapses"


def test_every_synapse_obeys_its_own_rule(example):
    network = example.PlasticNetwork(example.wiring(3), example.GENOME)
    born = network.born(jax.random.key(0))
    terms = jax.random.normal(jax.random.key(1), (18, 4))
    born = born._replace(memory=example.by_projection(terms, born.weights))
    stimulus, nobody = jnp.asarray([0.5, -1.0, 2.0, 0.25]), importlib.import_module("pole").Nobody()
    after, _ = network.moment(born, stimulus, jnp.asarray(0), nobody)
    hidden = np.tanh(born.weights["input->hidden1"] @ stimulus)
    output = np.tanh(born.weights["hidden1->output"] @ hidden)
    ends = {"input->hidden1": (stimulus, hidden), "hidden1->output": (hidden, output)}
    each = iter(np.asarray(terms))
    for name, (pre, post) in ends.items():
        change = np.asarray(after.weights[name] - born.weights[name])
        wanted = np.zeros_like(change)
        for i, y in enumerate(post):
            for j, x in enumerate(pre):
                a, b, c, d = next(each)
                wanted[i, j] = example.RATE * (a * x * y + b * x + c * y + d)
        assert np.abs(wanted).min() > 1e-4
        np.testing.assert_allclose(change, wanted, atol=1e-6)
        assert np.abs(change - wanted[::-1]).max() > 1e-2, "rules of other synapses"


def test_strange_bodies_are_within_their_factor(example):
    keys = jax.random.split(jax.random.key(0), 200)
    bodies = jax.vmap(lambda key: example.strange(4.0, key))(keys)
    for name in ("mass", "cart", "half"):
        factor = np.asarray(getattr(bodies, name)) / getattr(example.ORDINARY, name)
        assert 0.25 <= factor.min() < 0.3 and 3.3 < factor.max() <= 4, name
    assert set(np.asarray(bodies.force).tolist()) == {example.ORDINARY.force}
    plain = example.strange(1.0, keys[0])
    np.testing.assert_allclose(plain, example.ORDINARY, rtol=1e-6)
