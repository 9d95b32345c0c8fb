"""Outer loops on problems that have nothing to do with brains."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from metaplast.meta import ES, Backprop, Evolution, Genetic, Restarts
from metaplast.meta.fitness import fitness
from metaplast.meta.genetic import Generation

GOAL = jnp.asarray([1.0, -2.0, 0.5])
START = {"a": jnp.zeros(2), "b": jnp.zeros(1)}


def bowl(theta, key):
    """A quadratic with its minimum, zero, at GOAL."""
    del key
    loss = jnp.sum((jnp.concatenate([theta["a"], theta["b"]]) - GOAL) ** 2)
    return loss, (loss,)


def upside_down(theta, key):
    loss, _ = bowl(theta, key)
    return -loss, (-loss,)


def descend(meta, evaluate, steps):
    """Theta and the reports of `steps` meta-steps, in one compiled loop."""

    def step(carry, key):
        theta, state, report = meta.step(evaluate, *carry, key)
        return (theta, state), (report.loss, report.lost)

    @jax.jit
    def run(key):
        begun = meta.init(evaluate, START, key)
        state = jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), begun)
        return jax.lax.scan(step, (START, state), jax.random.split(key, steps))

    (theta, _), reports = run(jax.random.key(0))
    return theta, reports


@pytest.mark.parametrize(
    ("strategy", "steps"),
    [("CMA_ES", 60), ("SNES", 60), ("SimpleGA", 60), ("LGA", 200), ("Open_ES", 2000)],
)
def test_evolution_descends_a_quadratic(strategy, steps):
    meta = Evolution(strategy, population=32, lives=1, spread=0.5)
    before = float(bowl(START, None)[0])
    theta, (_, lost) = descend(meta, bowl, steps)
    after = float(bowl(theta, None)[0])
    assert before > 5 and after < 0.7 * before
    assert float(np.max(lost)) == 0
    worse, _ = descend(meta, upside_down, 20)
    assert float(bowl(worse, None)[0]) > before, "negative control: it follows the objective"


@pytest.mark.parametrize(("selection", "crossover"), [("truncation", 0.0), ("tournament", 0.7)])
def test_a_genetic_algorithm_descends_a_quadratic(selection, crossover):
    meta = Genetic(32, 1, 0.5, 40, selection, crossover=crossover)
    theta, (_, lost) = descend(meta, bowl, 40)
    assert float(bowl(theta, None)[0]) < 0.2 < float(bowl(START, None)[0])
    assert float(np.max(lost)) == 0
    worse, _ = descend(meta, upside_down, 10)
    assert float(bowl(worse, None)[0]) > float(bowl(START, None)[0])


def test_crossover_mixes_two_parents_number_by_number():
    """Without mutation to speak of, every number of a child is that of one of the parents."""
    parents = jnp.asarray([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0], [9.0, 9.0, 9.0], [9.0, 9.0, 9.0]])
    meta = Genetic(4, 1, 1e-9, parents=0.5, crossover=1.0)
    state = Generation(parents, jnp.asarray(0))
    born = [
        np.round(np.asarray(meta.step(bowl, START, state, jax.random.key(k))[1].candidates))
        for k in range(4)
    ]
    rows = {tuple(row.tolist()) for generation in born for row in generation[1:]}
    assert all(set(row) <= {1.0, 2.0} for row in rows), "those ranked last have no children"
    assert any(len(set(row)) == 2 for row in rows)


@pytest.mark.parametrize("meta", [Evolution("CMA_ES", 16, 1, 0.5), Genetic(16, 1, 0.5, 60)])
def test_evolution_survives_candidates_without_a_fitness(meta):
    def treacherous(theta, key):
        loss, score = bowl(theta, key)
        return jnp.where(theta["a"][0] < -0.3, jnp.nan, loss), score

    theta, (loss, lost) = descend(meta, treacherous, 60)
    assert 0 < float(lost[0]) < 1
    assert np.isfinite(loss).all()
    assert float(bowl(theta, None)[0]) < 0.1


def test_of_several_restarts_the_best_counts():
    """Two valleys: a search alone ends in the nearer one, one of several in the deeper one."""

    def valleys(theta, key):
        x = theta["a"][0]
        loss = jnp.minimum((x + 1) ** 2, (x - 3) ** 2 - 2) + jnp.sum(theta["b"] ** 2)
        return loss, (loss,)

    alone = Backprop("adam", 0.1, 60, lives=2, clip=1e9)
    near, _ = descend(alone, valleys, 60)
    deep, (_, lost) = descend(Restarts(alone, 8, 3.0), valleys, 60)
    assert float(valleys(near, None)[0]) > -0.1 and float(valleys(deep, None)[0]) < -1.8
    assert float(np.max(lost)) == 0
    single, _ = descend(Restarts(alone, 1, 3.0), valleys, 60)
    np.testing.assert_allclose(single["a"][0], near["a"][0], atol=0.02)


def test_a_generation_without_any_fitness_has_finite_numbers_all_the_same():
    def hopeless(theta, key):
        return jnp.asarray(jnp.nan), (jnp.asarray(jnp.nan),)

    found = fitness(hopeless, {"a": jnp.zeros((3, 2))}, 2, jax.random.key(0))
    assert np.isfinite(found.values).all() and float(found.lost) == 1
    told = found.report  # that of a loss which nobody has must not look like a perfect one
    assert np.isnan(told.loss) and np.isnan(told.score[0])


@pytest.mark.parametrize("meta", [Backprop(lives=2), ES(lives=2), Evolution("SNES", 4, 1)])
def test_a_meta_step_of_lost_lives_reports_no_number_and_moves_nothing_to_nan(meta):
    def hopeless(theta, key):
        loss = jnp.nan * bowl(theta, key)[0]
        return loss, (loss,)

    theta, (loss, lost) = descend(meta, hopeless, 2)
    assert np.isnan(loss).all() and (np.asarray(lost) == 1).all()
    assert np.isfinite(theta["a"]).all()
    assert np.isfinite(descend(meta, bowl, 2)[1][0]).all()  # the control


def test_backprop_finds_the_minimum_of_a_quadratic():
    theta, _ = descend(Backprop("adam", 0.1, 150, lives=2, clip=1e9), bowl, 150)
    np.testing.assert_allclose(jnp.concatenate([theta["a"], theta["b"]]), GOAL, atol=0.02)
    theta, _ = descend(Backprop("adam", 0.1, 150, lives=2, clip=1e9), upside_down, 20)
    assert float(bowl(theta, None)[0]) > float(bowl(START, None)[0])


@pytest.mark.parametrize("width", [None, 2])
def test_backprop_is_plain_optax_on_the_mean_gradient(width):
    """Noisy quadratic: the step is optax's on the mean of the lives' gradients."""

    def noisy(theta, key):
        shift = jax.random.normal(key, (2,))
        loss = jnp.sum((theta["a"] - shift) ** 2) + jnp.sum(theta["b"] ** 4)
        return loss, (loss,)

    steps, lives = 4, 4
    theta, _ = descend(Backprop("sgd", 0.1, steps, lives, 1e9, width), noisy, steps)
    clipped, _ = descend(Backprop("sgd", 0.1, steps, lives, 0.01, width), noisy, steps)
    plain = optax.sgd(optax.cosine_decay_schedule(0.1, steps, alpha=0.1))
    slope = jax.grad(lambda t, k: noisy(t, k)[0])
    expected, state = START, plain.init(START)
    for key in jax.random.split(jax.random.key(0), steps):
        slopes = [slope(expected, k) for k in jax.random.split(key, lives)]
        mean = jax.tree.map(lambda *g: sum(g) / lives, *slopes)
        update, state = plain.update(mean, state, expected)
        expected = optax.apply_updates(expected, update)
    assert float(jnp.abs(expected["a"]).max()) > 1e-2
    np.testing.assert_allclose(theta["a"], expected["a"], rtol=1e-5)
    assert float(jnp.abs(clipped["a"] - expected["a"]).max()) > 1e-3
