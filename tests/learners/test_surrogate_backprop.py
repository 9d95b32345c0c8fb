"""Backprop through a presentation: the gradient is that of the answer, and signs are kept."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners.easy import Easy
from metaplast.circuits import balanced
from metaplast.learners import Frozen, SurrogateBackprop
from metaplast.learners.presented import Presentation
from metaplast.lifetime import live
from metaplast.lifetime import test_accuracy as held_out_accuracy
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import LIF, Leaky, Noisy, Rate, SpikingOutput
from metaplast.rules import Factored

TASK = Easy(moments=60)
ONE = jnp.asarray(1)
QUICK = {"xla_backend_optimization_level": 0}


def presented():
    neurons = {"input": Rate("relu"), "hidden": LIF(5.0), "inhibitory": LIF(5.0),
               "output": Leaky(SpikingOutput(), 5.0)}  # fmt: skip
    kinds = ("excite", "inhibit", "readout", "veto", "shortcut")
    genome = Genome(neurons, {kind: Factored((0.01,)) for kind in kinds})
    circuit = balanced(6, (8,), 3, shortcut=True)
    return Presentation(steps=6, pause=2, encoding="current").of(PlasticNetwork(circuit, genome))


@pytest.fixture(scope="module")
def life():
    learner, key = SurrogateBackprop(presented(), "adam", 0.03), jax.random.key(0)

    @jax.jit
    def run(key):
        return live(learner, TASK, TASK.sample(key), key), learner.born(jax.random.split(key)[0])

    return learner, *run.lower(key).compile(compiler_options=QUICK)(key)


def test_it_learns_under_dales_law(life):
    learner, (lived, state), born = life
    assert not bool(lived.exploded)
    assert np.mean(np.asarray(lived.correct)[20:]) > 1 / 3 + 0.2
    for q in learner.presented.network.circuit.weighted:
        before, after = born.network.weights[q.name], state.network.weights[q.name]
        assert float((q.sign * after).min()) >= 0 and float(jnp.abs(before).max()) > 0
        changed = float(jnp.abs(after - before).max())
        assert (changed > 1e-3) == (q.name in learner.presented.network.plastic), q.name


@pytest.mark.parametrize("name", ["frozen", "surrogate backprop"])
def test_it_is_judged_around_noisy_cells_with_their_noise(name):
    """With a key for every answer, as the network inside; without noise the key decides nothing."""

    def wrapped(noisy: bool):
        inside = presented()
        if noisy:
            inside = eqx.tree_at(
                lambda p: p.network.genome.neurons["input"], inside, Noisy(Rate("relu"), 0.5)
            )
        learner = SurrogateBackprop(inside)
        return Frozen(inside) if name == "frozen" else learner

    stimulus = jnp.linspace(0.2, 1.0, 6)
    for noisy in (True, False):
        learner = wrapped(noisy)
        assert learner.noisy == noisy
        state = learner.born(jax.random.key(1))
        answers = [learner.predict(state, stimulus, jax.random.key(i)) for i in (2, 2, 3)]
        assert float(jnp.abs(answers[0]).max()) > 1e-3
        np.testing.assert_array_equal(answers[0], answers[1])
        differ = float(jnp.abs(answers[0] - answers[2]).max()) > 1e-4
        assert differ == noisy
        same = learner.moment(state, stimulus, ONE, TASK, jax.random.key(2))[1]
        if name == "frozen":
            np.testing.assert_allclose(same, answers[0], rtol=1e-6)
        episode = TASK.sample(jax.random.key(4))
        judged = held_out_accuracy(learner, state, episode, jax.random.key(5))
        assert 0 <= float(judged) <= 1


def test_one_step_of_sgd_is_the_gradient_of_the_readout():
    """Of the synapses onto the output, whose cells do not spike, it is known: error times mean of
    what was filtered."""
    learner = SurrogateBackprop(presented(), "sgd", 1e-3)
    state = learner.born(jax.random.key(1))
    stimulus = jnp.linspace(0.2, 1.0, 6)
    moment = jax.jit(lambda s: learner.moment(s, stimulus, jnp.asarray(1), TASK))
    after, answer = moment.lower(state).compile(compiler_options=QUICK)(state)
    steps, kept = 6, np.exp(-1.0 / 5.0)
    # A constant input behind a leaky membrane from rest, averaged over the presentation.
    share = np.mean([1.0 - kept ** (t + 1) for t in range(steps)])
    error = np.asarray(jax.nn.one_hot(1, 3) - jax.nn.softmax(answer))
    expected = 1e-3 * share * np.outer(error, stimulus)
    name = "input->output"
    change = np.asarray(after.network.weights[name] - state.network.weights[name])
    assert np.abs(expected).max() > 1e-5
    stays = np.asarray(state.network.weights[name]) + expected > 0
    assert stays.mean() > 0.9
    np.testing.assert_allclose(change[stays], expected[stays], rtol=2e-2, atol=1e-7)


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(ValueError, match="optimizer = 'lion'"):
        SurrogateBackprop(presented(), "lion")


def test_shares_slow_the_kinds_that_they_name():
    """A tenth of the step where it was said, the whole step everywhere else."""
    whole, slowed = (
        SurrogateBackprop(presented(), "sgd", 0.03, shares)
        for shares in ({"excite": 1.0}, {"excite": 0.1})
    )
    state = whole.born(jax.random.key(1))
    moment = jax.jit(lambda who: who.moment(state, jnp.linspace(0.2, 1.0, 6), ONE, TASK)[0].network)
    program = moment.lower(whole).compile(compiler_options=QUICK)
    for q in whole.presented.network.circuit.weighted:
        before, *after = (
            n.weights[q.name] for n in (state.network, program(whole), program(slowed))
        )
        full, part = (np.asarray(weights - before) for weights in after)
        wanted = 0.1 * full if q.kind == "excite" else full
        if q.name in whole.presented.network.plastic:
            assert np.abs(full).max() > 1e-5, q.name
            free = np.asarray(before + full) != 0  # where no sign holds a weight at zero
            np.testing.assert_allclose(part[free], wanted[free], rtol=1e-2, atol=3e-7)


def test_shares_of_synapses_that_do_not_learn_are_refused():
    with pytest.raises(ValueError, match=r"shares = \['recruit'\]: no plastic synapses"):
        SurrogateBackprop(presented(), shares={"recruit": 0.1})
