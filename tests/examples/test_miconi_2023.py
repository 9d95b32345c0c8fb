"""Fourteen tasks, traces of kicks, and a network that learns from reward what it was not told."""

from __future__ import annotations

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

EXAMPLE = "miconi_2023"
TRIALS, LIVES = 160, 24


@pytest.fixture(scope="module")
def life(example):
    met = example.chances(~example.WITHHELD)
    return example.Lifetime(TRIALS, met, jnp.asarray(0.7), jnp.zeros(()))


@pytest.fixture(scope="module")
def brain(example):
    return example.random_brain(8, jax.random.key(0))


def test_only_the_withheld_tasks_cannot_be_answered_by_one_threshold(example):
    assert len({tuple(table) for table in example.TABLES}) == 14
    assert all(0 < table.sum() < 4 for table in example.TABLES)
    weights = itertools.product((-2, -1, 0, 1, 2), (-1, 0, 1), (-1, 0, 1))
    bits = [(first, second) for first in (-1, 1) for second in (-1, 1)]
    cells = {tuple(int(b + v * x + w * y > 0) for x, y in bits) for b, v, w in weights}
    alone = np.asarray([tuple(table) in cells for table in example.TABLES])
    np.testing.assert_array_equal(alone, ~example.WITHHELD)
    assert example.TABLES[example.WITHHELD].tolist() == [[0, 1, 1, 0], [1, 0, 0, 1]]


@pytest.mark.parametrize("pair", range(4))
def test_stimuli_are_told_one_after_the_other(example, pair):
    told = np.asarray(example.shown(jnp.asarray(pair)))
    for (begin, end), bit in zip((example.FIRST, example.SECOND), divmod(pair, 2), strict=True):
        sign = example.LOUD * (2 * bit - 1)
        np.testing.assert_array_equal(told[begin:end, :2], [[sign, -sign]] * (end - begin))
    assert not told[example.SECOND[1] :, :2].any(), "nothing is seen at the time to answer"
    assert (told[:, 5] == 1).all() and not told[:, 2:5].any()


def test_a_trace_is_the_fading_sum_of_kicks_times_what_was_heard(example, brain):
    keys = jax.random.split(jax.random.key(1), 4)
    told = jax.random.normal(keys[0], (5, example.TOLD))
    kicks = jax.random.normal(keys[1], (5, 10))
    answering = jnp.asarray([0.0, 0, 1, 1, 0])
    learned = 0.1 * jax.random.normal(keys[2], brain.innate.shape)
    now = example.newborn(brain)._replace(learned=learned, traces=jnp.ones_like(learned))
    after, answers = example.through(brain, now, told, kicks, answering)

    weights = np.asarray(brain.innate + brain.plastic * learned)
    potential, rates, traces = np.zeros(10), np.zeros(10), np.ones((10, 16))
    for t in range(5):
        heard = np.concatenate([told[t], rates])
        potential += example.LEAK * (weights @ heard - potential) + np.asarray(kicks[t])
        rates = np.tanh(potential)
        rates[-2:] = float(answering[t]) / (1 + np.exp(-potential[-2:]))
        traces = example.FADE * traces + np.outer(kicks[t], heard)
        np.testing.assert_allclose(answers[t], rates[-2:], atol=1e-5)
    np.testing.assert_allclose(after.traces, traces, atol=1e-4)
    np.testing.assert_allclose(after.potential, potential, atol=1e-5)
    assert np.abs(traces).max() > 1
    unkicked, _ = example.through(brain, now, told, 0 * kicks, answering)
    np.testing.assert_allclose(unkicked.traces, example.FADE**5, rtol=1e-5)


def test_what_is_not_plastic_does_not_count(example, brain):
    frozen = brain._replace(plastic=-jnp.ones_like(brain.plastic))
    told, kicks = example.shown(jnp.asarray(2)), jnp.zeros((example.STEPS, 10))
    begin = example.newborn(brain)
    taught = begin._replace(learned=jnp.ones_like(brain.innate))
    potentials = [
        np.asarray(example.through(b, n, told, kicks, example.during(example.ANSWER))[0].potential)
        for b, n in ((frozen, begin), (frozen, taught), (brain, taught))
    ]
    np.testing.assert_array_equal(potentials[0], potentials[1])
    assert np.abs(potentials[0] - potentials[2]).max() > 0.1


def test_reward_teaches_and_without_its_sign_nothing_is_learned(example, life):
    brain = example.random_brain(16, jax.random.key(0), 1.5)

    def late(rate, deaf):
        told = eqx.tree_at(lambda a: (a.rate, a.deaf), life, (jnp.asarray(rate), jnp.asarray(deaf)))
        return example.parts(told, brain, LIVES, 0)[1].mean()

    learns, off, deaf = late(0.7, 0.0), late(0.0, 0.0), late(0.7, 1.0)
    assert learns > 65
    assert abs(off - 50) < 10 and learns > off + 10
    assert learns > deaf + 10


def test_the_table_is_right_once_it_has_seen_every_pair(example, life):
    first, late = example.parts(life, None, LIVES, 0)
    assert (late == 100).all()
    assert 90 < first.mean() < 100, "it guesses where it has seen nothing"
