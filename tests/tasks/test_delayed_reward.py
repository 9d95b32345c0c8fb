"""Reward that comes late: what is owed, when it is paid, and who can learn from it."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.circuits import layered
from metaplast.lifetime import live, unroll
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate
from metaplast.objective import Objective
from metaplast.positive import Positive
from metaplast.rules import Delta, PolicyTrace
from metaplast.tasks import Clusters, DelayedReward, Padding, Reinforced
from tasks.lives import many
from tasks.policy_gradient import RATE, RIGHT, WRONG, follows

INNER = Clusters(inputs=6, classes=3, moments=1500, held_out=30, nuisance=0, spread=0.3, modes=1)
QUICK = {"xla_backend_optimization_level": 0}
COMPILED = {"compiler_options": QUICK}


class Scribe(eqx.Module):
    """Answers as it is told beforehand, and keeps what it is taught."""

    answers: jax.Array

    def born(self, key):
        return jnp.asarray(0), jnp.zeros(len(self.answers)), jnp.zeros((len(self.answers), 3))

    def predict(self, state, stimulus):
        return jax.nn.one_hot(self.answers[state[0]], 3)

    def moment(self, state, stimulus, target, task, key=None):
        now, heard, echoed = state
        readout = self.predict(state, stimulus)
        said = task.teach(readout, target)
        heard = heard.at[now].set(said.modulator[0])
        return (now + 1, heard, echoed.at[now].set(said.signal)), readout


def told(task, episode, answers):
    """Modulator and signal of every moment, and which answers were right."""
    scribe = Scribe(jnp.asarray(answers))
    life, (_, heard, echoed) = live(scribe, task, episode, jax.random.key(0))
    return np.asarray(heard), np.asarray(echoed), np.asarray(life.correct)


@pytest.fixture(scope="module")
def episode():
    return jax.tree.map(lambda part: jnp.asarray(part[0, :12]), many(INNER, 1))


@pytest.mark.parametrize("delay", [0, 1, 4])
def test_each_answer_is_paid_after_the_delay(episode, delay):
    answers = np.arange(12) % 3
    task = DelayedReward(INNER, delay, right=2.0, wrong=-1.0, hears="answer")
    heard, echoed, correct = told(task, episode, answers)
    earned = np.where(correct, 2.0, -1.0)
    assert 0 < correct.sum() < 12  # some of each
    np.testing.assert_array_equal(heard[:delay], 0.0)
    np.testing.assert_array_equal(heard[delay:], earned[: 12 - delay])
    np.testing.assert_array_equal(echoed, np.eye(3)[answers])  # of the present answer
    if delay:  # the control: not the reward of the moment itself
        assert np.any(heard[delay:] != earned[delay:])


def test_without_delay_it_is_reinforced_and_around_it_wrappers_remember(episode):
    answers = np.arange(12) % 3
    at_once, _, _ = told(Reinforced(INNER, 2.0, -1.0), episode, answers)
    assert len(np.unique(at_once)) == 2
    same, echoed, _ = told(DelayedReward(INNER, 0, 2.0, -1.0), episode, answers)
    np.testing.assert_array_equal(same, at_once)
    np.testing.assert_array_equal(echoed, 0.0)
    late, _, _ = told(DelayedReward(INNER, 2, 2.0, -1.0), episode, answers)
    wrapped, _, _ = told(Padding(DelayedReward(INNER, 2, 2.0, -1.0), 8), episode, answers)
    np.testing.assert_array_equal(wrapped, late)
    assert np.any(late != at_once)


def network(output, rule, rate=0.1) -> PlasticNetwork:
    genome = Genome({"input": Rate("linear"), "output": output}, {"readout": rule})
    return PlasticNetwork(layered(6, (), 3), genome)


class Gated(Output):
    """Output cells whose message is their error times the reward: separable plasticity."""

    def reply(self, state, cell, apical, pool, modulator):
        state, cell = super().reply(state, cell, apical, pool, modulator)
        said = cell.message * modulator[0]
        return state, eqx.tree_at(lambda c: (c.message, c.post), cell, (said, said[None]))


def test_memory_passes_through_segments_and_derivatives(episode):
    """The fast derivative lives what the plain one lives, and has the same gradient."""
    task = DelayedReward(INNER, 2, right=1.0, wrong=-1.0, hears="answer")
    experience = (episode.stimuli, episode.targets)

    def loss(rate, segment):
        learner = network(Gated(), Delta(Positive(jnp.log(rate))))
        begin = (learner.born(jax.random.key(1)), jnp.asarray(True), jnp.asarray(0))
        _, (_, losses) = unroll(learner, task, begin, experience, jax.random.key(2), segment)
        return jnp.mean(losses)

    rate = jnp.asarray(0.3)
    found = [
        jax.jit(jax.value_and_grad(functools.partial(loss, segment=s)), **COMPILED)(rate)
        for s in (None, 3)
    ]
    assert abs(found[0][1]) > 1e-3
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)
    without = Reinforced(INNER, right=1.0, wrong=-1.0, hears="answer")
    judged = network(Gated(), Delta(0.3))
    late, at_once = (
        jax.jit(lambda key, t=t: Objective(t, judged.circuit)(judged.genome, key)[0], **COMPILED)(
            jax.random.key(5)
        )
        for t in (task, without)
    )
    assert late != at_once > 0  # a search is judged by the same world


def test_a_task_without_memory_carries_none():
    """What is traced for such a task carries no number more than without the feature."""
    learner, key = network(Output(), Delta(0.1)), jax.random.key(0)
    short = Clusters(inputs=6, classes=3, moments=5, held_out=2, nuisance=0)

    def carried(task):
        episode = task.sample(key)
        program = jax.make_jaxpr(lambda e, k: live(learner, task, e, k)[0].correct)(episode, key)
        scans = [e for e in program.jaxpr.eqns if e.primitive.name == "scan"]
        return scans[-1].params["num_carry"]

    assert carried(DelayedReward(short, 2)) == carried(short) + 1
    assert carried(Reinforced(short)) == carried(short) > 0


class Exploring(Output):
    """Draws its answer from the softmax: Gumbel noise on what it reports, not on what it learns."""

    noisy = True

    def fire(self, state, drive, key):
        state, cell = super().fire(state, drive, key)
        return state, eqx.tree_at(lambda c: c.drive, cell, cell.drive + jax.random.gumbel(key))


@functools.partial(jax.jit, static_argnames="delay", compiler_options=QUICK)
def late_accuracy(tau, delay):
    """Accuracy of 16 lives at the end of each."""
    task = DelayedReward(INNER, delay, hears="answer")

    def one(key):
        episode_key, life_key = jax.random.split(key)
        learner = network(Exploring(), PolicyTrace(0.3, Positive(jnp.log(tau))))
        life, _ = live(learner, task, task.sample(episode_key), life_key)
        return jnp.mean(life.correct[-200:])

    return jnp.mean(jax.vmap(one)(jax.random.split(jax.random.key(0), 16)))


def test_eligibility_solves_what_none_cannot():
    with_trace, without = late_accuracy(3.0, 3), late_accuracy(0.01, 3)
    assert with_trace > 0.7
    assert without < 0.5  # chance is 1/3
    assert late_accuracy(0.01, 0) > 0.9  # the control of the control: it is the delay


def test_without_a_trace_the_rule_is_the_policy_gradient():
    task = Reinforced(INNER, right=RIGHT, wrong=WRONG, hears="answer")
    follows(network(Output(), PolicyTrace(RATE, 0.0)), task)


def test_impossible_delays_are_refused_and_teaching_outside_of_a_life_too():
    with pytest.raises(ValueError, match="delay = -1"):
        DelayedReward(INNER, -1)
    with pytest.raises(ValueError, match=r"right = 0\.0: expected more than wrong"):
        DelayedReward(INNER, 2, right=0.0)
    with pytest.raises(ValueError, match="recalled"):
        DelayedReward(INNER).teach(jnp.zeros(3), jnp.asarray(0))
