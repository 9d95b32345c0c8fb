"""Recurrent synapses deliver what was said the moment before, and learn from it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from metaplast.circuits import Circuit, Population, Projection, recurrent
from metaplast.learners.presented import Presented
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.positive import Positive
from metaplast.rules import Delta, Factored, Hebb

CELLS, MOMENTS = 6, 5
OWN = "hidden1->hidden1"


def network(log_rate) -> PlasticNetwork:
    linear = Rate("linear")
    neurons = {"input": linear, "hidden": linear, "output": Output()}
    return PlasticNetwork(
        recurrent(CELLS, (CELLS,), 2, "none"),
        Genome(neurons, {"recurrent": Hebb(Positive(log_rate))}),
    )


@pytest.fixture(scope="module")
def lives():
    """Activity of hidden cells `[moments, cells]` that each hear one input cell, and their own
    synapses at the end, as functions of stimuli, first own synapses and the log of the rate."""

    @jax.jit
    def run(stimuli, own, log_rate, learning):
        net = network(log_rate)
        state = net.born(jax.random.key(0))
        weights = {**state.weights, "input->hidden1": jnp.eye(CELLS), OWN: own}

        def moment(state, stimulus):
            taught = net.moment(state, stimulus, jnp.asarray(0), Easy(classes=2))[0]
            asked = net.listen(state, stimulus)[0]
            state = jax.tree.map(lambda a, b: jnp.where(learning, a, b), taught, asked)
            return state, state.cells["hidden1"].cell.activity

        state, said = jax.lax.scan(moment, state._replace(weights=weights), stimuli)
        return said, state.weights[OWN]

    return run


@pytest.fixture(scope="module")
def patterns():
    """Orthonormal stimuli, one a row."""
    return np.linalg.qr(np.random.default_rng(0).normal(size=(CELLS, CELLS)))[0][:MOMENTS]


def test_activity_is_the_sum_of_what_fades(lives, patterns):
    """With synapses of strength a onto itself, a linear cell is a leaky sum of its input."""
    for learning in (True, False):
        said, _ = lives(patterns, 0.5 * np.eye(CELLS), jnp.asarray(-jnp.inf), learning)
        kept = 0.5 ** np.maximum(np.subtract.outer(range(MOMENTS), range(MOMENTS)), 0)
        true = np.tril(kept) @ patterns
        assert np.abs(true - patterns).max() > 0.1
        np.testing.assert_allclose(said, true, atol=1e-6)


def test_hebbian_synapses_store_what_follows_what_and_replay_it(lives, patterns):
    """After one pass each pattern calls up the next one; a cue and silence then replay them all."""
    _, own = lives(patterns, np.zeros((CELLS, CELLS)), jnp.asarray(0.0), True)
    true = patterns[1:].T @ patterns[:-1]
    assert np.abs(true).max() > 0.3
    np.testing.assert_allclose(own, true, atol=1e-5)
    assert np.abs(own - patterns.T @ patterns).max() > 0.3, "what is said at once is not stored"
    cue = np.concatenate([patterns[:1], np.zeros((MOMENTS - 1, CELLS))])
    replayed, _ = lives(cue, own, jnp.asarray(0.0), False)
    np.testing.assert_allclose(replayed, patterns, atol=1e-5)
    silence, _ = lives(cue, np.zeros((CELLS, CELLS)), jnp.asarray(0.0), False)
    assert np.abs(silence[1:]).max() == 0.0 < np.abs(silence[0]).max()


def test_whoever_has_not_fired_cannot_be_heard_at_once():
    pops = (Population("a", 2, "input"), Population("b", 2, "output"))

    def own(delay):
        return Circuit(pops, (Projection("own", "own", "b", "b", "basal", delay=delay),))

    with pytest.raises(ValueError, match=r"'b' has not fired yet.*delay = 1"):
        own(0)
    assert own(1).remembered == ("b",)


@pytest.mark.parametrize("presented", [False, True])
def test_what_late_synapses_see_is_of_the_moment_before_also_where_that_was_not_taught(presented):
    """Two ways to write the delta rule: by the activity, and by the signals that cells offer."""
    task = Easy(inputs=4, moments=3)
    episode = task.sample(jax.random.key(1))

    @jax.jit
    def own(rule):
        neurons = {"input": Rate("linear"), "hidden": Rate(), "output": Output()}
        learner = PlasticNetwork(recurrent(4, (5,), 3), Genome(neurons, {"recurrent": rule}))
        if presented:
            learner = Presented(learner, 2, 20, "current")
        state = learner.born(jax.random.key(0))

        def moment(state, now):
            return learner.moment(state, *now, task, None)[0], None

        state = jax.lax.scan(moment, state, (episode.stimuli, episode.targets))[0]
        return state.weights[OWN]

    one, other = own(Delta(0.1)), own(Factored([0.1], 0.0))
    assert np.abs(one).max() > 0.05
    np.testing.assert_allclose(other, one, atol=1e-6)
