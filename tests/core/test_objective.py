"""How an objective judges an answer."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core.small import parts, plain
from metaplast.circuits import layered
from metaplast.lives import SearchedLives
from metaplast.objective import Objective, _Sharpened
from metaplast.tasks import InSteps

READOUT, TARGET = jnp.asarray([0.2, 1.0, -0.4]), jnp.asarray(1)


def test_a_relative_answer_is_judged_by_its_shape_alone():
    judged = _Sharpened(Easy(), 1.5, True)
    loss = float(judged.loss(READOUT, TARGET))
    assert 0.01 < loss < 1.0
    np.testing.assert_allclose(judged.loss(3.0 * READOUT + 5.0, TARGET), loss, rtol=1e-3)
    other = float(judged.loss(READOUT[jnp.asarray([1, 0, 2])], TARGET))
    assert other > loss + 0.5


def test_an_absolute_one_is_not():
    """Negative control."""
    judged = _Sharpened(Easy(), 1.5, False)
    loss = float(judged.loss(READOUT, TARGET))
    assert abs(float(judged.loss(3.0 * READOUT, TARGET)) - loss) > 0.1


def test_no_answer_costs_what_a_flat_one_does():
    judged = _Sharpened(Easy(), 1.5, True)
    np.testing.assert_allclose(judged.loss(jnp.zeros(3), TARGET), np.log(3.0), rtol=1e-5)


STEPS = InSteps(Easy(moments=8, held_out=4), 3)


@pytest.mark.parametrize("episodes", [1, 2])
def test_the_accuracy_of_a_search_is_that_of_the_answers_which_are_asked_for(episodes):
    """Whole and in stretches, of which some ask for nothing and say so."""
    genome = plain(0.3)
    objective = Objective(STEPS, layered(3, (4,), 4), episodes=episodes)
    key = jax.random.key(2)
    _, score = objective(genome, key)
    correct = _correct(objective, genome, key)
    wanted = correct[:, 2::3].mean()
    assert float(score.accuracy) == pytest.approx(wanted)
    assert abs(wanted - correct.mean()) > 0.02, "control: that of all moments is another"
    theta, fixed = parts(genome)
    lives, heard = SearchedLives(objective, fixed), []
    life = lives.begin(theta, key)
    for _ in range(24 * episodes // 2):
        _, part, life = lives.advance(theta, life, 2)
        heard.append(float(part.accuracy))
    assert np.isnan(heard[::3]).all() and np.nanmean(heard) == pytest.approx(wanted)


def _correct(objective, genome, key):
    """Answers `[episodes, moments]` of a life."""
    task_key, life_key = jax.random.split(key)
    birth_key, noise_key = jax.random.split(life_key)
    standing = objective.learner(genome).born(birth_key), jnp.asarray(True), jnp.asarray(0)
    answers = []
    for number in range(objective.episodes):
        episode = objective.episode(task_key, jnp.asarray(number))
        state, *rest = standing
        begun = (state, None), *rest
        ((state, _), *rest), (correct, _) = objective.onward(genome, begun, episode, noise_key)
        standing = state, *rest
        answers.append(np.asarray(correct))
    return np.stack(answers)
