"""Reward alone: what is told, what is not, and that the policy gradient is in it."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.circuits import layered
from metaplast.lifetime import live
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Output, Rate, StochasticBinary
from metaplast.rules import Delta, ThreeFactor
from metaplast.tasks import Clusters, Reinforced
from tasks.lives import QUICK, lived, many
from tasks.policy_gradient import RIGHT, WRONG, follows

INNER = Clusters(inputs=6, classes=3, moments=300, held_out=30, nuisance=0, spread=0.3, modes=1)


def test_the_teaching_tells_the_reward_and_nothing_else():
    task = Reinforced(INNER, right=2.0, wrong=-1.0)
    readout = jnp.array([0.1, 0.9, 0.3])
    right, wrong, other = (task.teach(readout, jnp.asarray(t)) for t in (1, 0, 2))
    assert (right.modulator[0], wrong.modulator[0]) == (2.0, -1.0)
    np.testing.assert_array_equal(right.signal, 0.0)
    # Which of the other classes it was makes no difference: the target is not told.
    for a, b in zip(wrong, other, strict=True):
        np.testing.assert_array_equal(a, b)
    # The control: the inner task does tell it.
    assert not np.array_equal(*(INNER.teach(readout, jnp.asarray(t)).signal for t in (0, 2)))
    assert task.loss(readout, jnp.asarray(0)) == INNER.loss(readout, jnp.asarray(0)) > 0


def test_the_answer_is_echoed_where_asked_for():
    task = Reinforced(INNER, hears="answer")
    readout = jnp.array([0.1, 0.9, 0.3])
    for target in range(3):
        np.testing.assert_array_equal(task.teach(readout, jnp.asarray(target)).signal, [0, 1, 0])


def test_experience_is_that_of_the_inner_task():
    episode = many(INNER, 1)
    for a, b in zip(Reinforced(INNER).change(episode, jax.random.key(0)), episode, strict=True):
        np.testing.assert_array_equal(a, b)


class Rewarded(Output):
    """Output cells whose message is their error times the reward."""

    def reply(self, state, cell, apical, pool, modulator):
        state, cell = super().reply(state, cell, apical, pool, modulator)
        told = cell.message * modulator[0]
        return state, eqx.tree_at(lambda c: (c.message, c.post), cell, (told, told[None]))


def network(output, rate=0.1) -> PlasticNetwork:
    genome = Genome({"input": Rate("linear"), "output": output}, {"readout": Delta(rate)})
    return PlasticNetwork(layered(6, (), 3), genome)


def test_error_times_reward_is_the_policy_gradient():
    follows(network(Rewarded()), Reinforced(INNER, right=RIGHT, wrong=WRONG, hears="answer"))


def accuracy(task, net, lives=8) -> float:
    return lived(task, net, lives).correct[:, -150:].mean()


def test_reward_teaches_and_without_it_nothing_does():
    blamed = Reinforced(INNER, right=1.0, wrong=-1.0, hears="answer")
    assert accuracy(blamed, network(Rewarded(), 0.3)) > 0.8
    # Negative controls: the same cells where the reward says nothing of the answer, and cells
    # that take the echo of their answer for what was wanted.
    indifferent = Reinforced(INNER, right=1.0, wrong=1.0 - 1e-9, hears="answer")
    assert accuracy(indifferent, network(Rewarded(), 0.3)) < 0.6
    assert accuracy(blamed, network(Output(), 0.3)) < 0.6


def test_a_rule_that_takes_the_reward_for_an_error_unlearns_what_is_right():
    inner = Clusters(inputs=6, nuisance=0, classes=3, moments=600, modes=1, spread=0.5)

    def reached(task, **options) -> float:
        rule = ThreeFactor(0.02, 0.1, 50.0, **options)
        genome = Genome({"input": Rate("linear"), "output": StochasticBinary()}, {"readout": rule})
        net = PlasticNetwork(layered(6, (), 3), genome)

        @functools.partial(jax.jit, compiler_options=QUICK)
        @jax.vmap
        def late(key):
            episode_key, life_key = jax.random.split(key)
            life, _ = live(net, task, inner.sample(episode_key), life_key)
            return jnp.mean(life.correct[-300:])

        return float(jnp.mean(late(jax.random.split(jax.random.key(0), 16))))

    blamed = Reinforced(inner, right=0.0, wrong=-1.0)
    assert reached(blamed, hears="reward") == reached(inner) > 0.45
    assert reached(Reinforced(inner), hears="reward") > 0.38
    assert reached(Reinforced(inner)) < 0.33 > reached(blamed)  # chance


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"right": float("inf")}, "right = inf"),
        ({"right": 0.0}, "right = 0.0: expected more than wrong"),
    ],
)
def test_impossible_rewards_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        Reinforced(INNER, **options)
