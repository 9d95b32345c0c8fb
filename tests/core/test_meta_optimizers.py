"""Outer loops on problems that have nothing to do with brains."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from metaplast.meta import ES, Backprop, Evolution, Genetic, Restarts
from metaplast.meta.descent import mean_of_survivors
from metaplast.meta.fitness import fitness
from metaplast.meta.genetic import Generation
from metaplast.meta.restarts import ranked

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
    [
        ("CMA_ES", 60), ("SNES", 60), ("SimpleGA", 60), ("LGA", 200), ("Open_ES", 2000),
        ("CMAAnchoredLES", 60),
    ],
)  # fmt: skip
def test_evolution_descends_a_quadratic(strategy, steps):
    meta = Evolution(strategy, population=32, lives=1, spread=0.5)
    before = float(bowl(START, None)[0])
    theta, (_, lost) = descend(meta, bowl, steps)
    after = float(bowl(theta, None)[0])
    assert before > 5 and after < 0.7 * before
    assert float(np.max(lost)) == 0
    worse, _ = descend(meta, upside_down, 20)
    assert float(bowl(worse, None)[0]) > before, "negative control: it follows the objective"


@pytest.mark.parametrize(
    "strategy", ["CMA_ES", "SNES", "xNES", "Open_ES", "ARS", "SimpleGA", "GradientlessDescent"]
)
def test_the_first_generation_lies_as_far_out_as_the_spread_says(strategy):
    begin = {"a": jnp.full(4, 3.0)}

    def deviation(spread):
        meta = Evolution(strategy, 16, lives=1, spread=spread)
        algorithm, state = meta.algorithm(begin), meta.init(None, begin, jax.random.key(0))
        candidates, _ = algorithm.ask(jax.random.key(1), state, meta._params(algorithm))
        return float(jnp.sqrt(jnp.mean((candidates["a"] - begin["a"]) ** 2)))

    near, far = deviation(0.02), deviation(0.1)
    assert 0.4 * 0.1 < far < 1.5 * 0.1
    np.testing.assert_allclose(far / near, 5.0, rtol=0.05)


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


def test_a_search_that_lost_all_lives_once_is_not_shut_out():
    """The best of three loses all lives of a meta-step: it is the best before and after it."""
    losses, step = jnp.zeros(3), jnp.asarray(0)
    told = ([3.0, 1.0, 2.0], [3.0, jnp.nan, 2.0], [3.0, 1.0, 2.0])
    chosen = []
    for number, heard in enumerate(told):
        losses, best = ranked(losses, jnp.asarray(heard), step + number)
        chosen.append(int(best))
    assert chosen == [1, 2, 1]
    np.testing.assert_allclose(losses, [3.0, 1.0, 2.0], rtol=1e-6)
    # One that begins without a number is known from its first one on.
    losses, best = ranked(jnp.zeros(2), jnp.asarray([5.0, jnp.inf]), step)
    assert int(best) == 0 and not np.isfinite(losses[1])
    losses, best = ranked(losses, jnp.asarray([5.0, 4.0]), step + 1)
    assert int(best) == 1 and float(losses[1]) == 4.0
    # Where nobody has a number, who was the best stays it.
    kept, best = ranked(losses, jnp.full(2, jnp.nan), step + 2)
    assert int(best) == 1
    np.testing.assert_array_equal(kept, losses)
    # Negative control: a mean that is the lowest no more is not chosen.
    assert int(ranked(losses, jnp.asarray([-50.0, 4.0]), step + 2)[1]) == 0


def test_the_loss_of_a_generation_is_that_of_the_candidates_that_have_one():
    """What ranks the others last is no loss, and so no part of the mean that is logged."""

    def treacherous(theta, key):
        loss, score = bowl(theta, key)
        return jnp.where(theta["a"][0] < 0, jnp.nan, loss), score

    candidates = {"a": jnp.asarray([[0.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]), "b": jnp.zeros((3, 1))}
    found = fitness(treacherous, candidates, 2, jax.random.key(0))
    each = [float(bowl(jax.tree.map(lambda a, i=i: a[i], candidates), None)[0]) for i in (0, 2)]
    assert float(found.lost) == pytest.approx(1 / 3) and min(each) > 1
    np.testing.assert_allclose(found.report.loss, np.mean(each), rtol=1e-6)
    assert float(found.values[1]) > max(each), "the control: it is ranked last all the same"
    whole = fitness(bowl, candidates, 2, jax.random.key(0))
    np.testing.assert_allclose(whole.report.loss, np.mean(whole.values), rtol=1e-6)


def test_a_score_without_a_number_is_left_out_of_its_mean():
    gradients, told = jnp.ones((3, 2)), (jnp.asarray([1.0, jnp.nan, 3.0]), jnp.ones(3))
    _, (loss, other), lost = mean_of_survivors(gradients, told, 1.0)
    assert float(loss) == 2.0 and float(other) == 1.0 and float(lost) == 0.0
    _, (loss, other), lost = mean_of_survivors(gradients.at[0].set(jnp.nan), told, 1.0)
    assert float(loss) == 3.0 and float(other) == 1.0 and lost == pytest.approx(1 / 3)


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
