"""Stimuli that last: encodings, honest answers, and a spiking network that learns."""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from core.small import plain

from learners.easy import Easy
from metaplast.circuits import layered
from metaplast.learners.presented import ENCODINGS, FASTEST, Presented
from metaplast.learners.spiking import spiking
from metaplast.lifetime import live
from metaplast.network import PlasticNetwork

STIMULUS = jnp.asarray([0.0, 0.25, 0.5, 1.0, 2.0, -1.0])
TASK = Easy(moments=60)
QUICK = {"xla_backend_optimization_level": 0}
"""For tests that compile longer than they run."""


def encoded(name: str, steps: int = 40):
    return np.asarray(ENCODINGS[name](STIMULUS, 1.0, jnp.arange(steps)))


def test_rates_are_regular_spikes_in_proportion():
    seen = encoded("rate")
    assert set(np.unique(seen)) == {0.0, 1.0}
    expected = 40 * FASTEST * np.asarray([0.0, 0.25, 0.5, 1.0, 1.0, 0.0])
    np.testing.assert_allclose(seen.sum(0), expected, atol=1)
    intervals = np.diff(np.flatnonzero(seen[:, 2]))
    assert np.all(intervals == 4)
    assert not np.array_equal(seen[:, 3], seen[:, 4]), "two inputs, two phases"


def test_latencies_are_one_spike_and_the_strongest_comes_first():
    seen = encoded("latency")
    np.testing.assert_array_equal(seen.sum(0), [0, 1, 1, 1, 1, 0])
    np.testing.assert_array_equal(seen.argmax(0)[1:5], np.round([0.75 * 39, 0.5 * 39, 0, 0]))


def test_a_current_is_the_stimulus():
    np.testing.assert_array_equal(encoded("current", 3), np.tile(STIMULUS, (3, 1)))


def test_one_step_of_current_is_one_moment_of_the_network():
    network = PlasticNetwork(layered(6, (4,), 3), plain())
    state = network.born(jax.random.key(0))

    def after(learner):
        moment = lambda s: learner.moment(s, STIMULUS, jnp.asarray(1), TASK, None)  # noqa: E731
        return jax.jit(moment, compiler_options=QUICK)(state)

    once, answer = after(Presented(network, 1, 0, "current"))
    same, readout = after(network)
    near = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7)
    jax.tree.map(near, (once, answer), (same, readout))
    twice = after(Presented(network, 2, 0, "current"))[0]
    for name in network.plastic:
        assert float(jnp.abs(twice.weights[name] - same.weights[name]).max()) > 1e-4


LEARNER = spiking(6, (16,), 3, 0.01, 0.01, steps=10, drive=0.5)


@functools.partial(jax.jit, static_argnums=0, compiler_options=QUICK)
def run(target: int):
    """One moment of the spiking learner, and what it would have said without a teacher."""
    state = LEARNER.born(jax.random.key(0))
    after, answer = LEARNER.moment(state, STIMULUS, jnp.asarray(target), TASK, None)
    return after.inner.weights, answer, LEARNER.predict(state, STIMULUS)


def test_the_answer_is_given_before_the_teacher_speaks():
    (one, answer, alone), (other, same, _) = run(0), run(1)
    np.testing.assert_array_equal(answer, same)
    np.testing.assert_allclose(answer, alone, rtol=1e-5)
    assert float(jnp.abs(answer).max()) > 1e-3
    assert np.abs(one["input->hidden1"] - other["input->hidden1"]).max() > 1e-4


def test_a_spiking_network_learns_and_can_be_searched_through_its_spikes():
    searched, fixed = eqx.partition(LEARNER, eqx.is_inexact_array)

    def loss(searched):
        learner, key = eqx.combine(searched, fixed), jax.random.key(1)
        life = live(learner, TASK, TASK.sample(key), key, 20)[0]
        return jnp.mean(life.loss), life

    graded = jax.value_and_grad(loss, has_aux=True)
    (_, life), gradient = jax.jit(graded, compiler_options=QUICK)(searched)
    assert not bool(life.exploded)
    assert np.mean(np.asarray(life.correct)[20:]) > 1 / 3 + 0.3
    hidden = gradient.learner.network.genome.neurons["hidden"].base.tau.log
    assert np.isfinite(hidden) and abs(float(hidden)) > 1e-5


@pytest.mark.parametrize("bad", [{"steps": 0}, {"pause": -1}, {"encoding": "loud"}, {"peak": 0.0}])
def test_what_cannot_be_presented_is_refused(bad):
    (name,) = bad
    with pytest.raises((ValueError, TypeError), match=name):
        Presented(LEARNER.learner.network, **bad)
