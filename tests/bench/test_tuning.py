"""Tuning finds the best grid point, also where the first grid does not hold it."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from learners.easy import Easy

from metaplast.bench.living import Arena, Outcome
from metaplast.bench.tuning import EXTENSIONS, GROWTH, Trial, best, tune
from metaplast.learners.candidate import Candidate, Grid, Variant

TASK = Easy(moments=200)


class Coin(eqx.Module):
    """Knows the answer, and gives it the less often the farther `rate` is from `ideal`."""

    rate: Array = eqx.field(converter=lambda r: jnp.asarray(r, float))
    ideal: float = eqx.field(static=True)
    reach: float = eqx.field(default=4.0, static=True)

    def born(self, key):
        return key

    def predict(self, state, stimulus):
        return jnp.zeros(3)

    def moment(self, state, stimulus, target, task, key):
        skill = jnp.exp(-jnp.abs(jnp.log(self.rate / self.ideal)) / self.reach)
        knows = jax.random.uniform(key) < skill
        return state, jax.nn.one_hot(jnp.where(knows, target, (target + 1) % 3), 3)


GRID = Grid("rate", 1.0, 4.0, 4).coarse


def tuned(ideal: float, lives: int = 6, reach: float = 4.0):
    grid = Grid("rate", 1.0, 4.0, 4)
    variant = Variant({"kind": "coin"}, lambda rate: Coin(rate, ideal, reach), grid)
    return tune(Candidate("coin", (variant,)), Arena(TASK, 0), lives)


@pytest.mark.parametrize("ideal", [8.0, 4.0, 1.0 / 64, 4096.0])
def test_finds_the_ideal_and_reports_what_it_tried(ideal):
    report = tuned(ideal).report
    assert report["rate"] == pytest.approx(ideal, rel=1.01)
    assert report["kind"] == "coin" and not report["on_edge"]
    grid = report["grid"]["rate"]
    assert grid == sorted(grid) and grid[0] < report["rate"] < grid[-1]
    assert len(report["tried"]) == len(grid)


def test_an_ideal_out_of_reach_is_reported_as_on_the_edge():
    """On the first lives the grid grows as often as it may, and as often again on all of them."""
    report = tuned(4.0**40, reach=40.0).report
    grid = report["grid"]["rate"]
    assert report["on_edge"] and report["rate"] == grid[-1] < 4.0**40
    most = 2 * EXTENSIONS * GROWTH
    assert 4.0**most < 1.01 * grid[-1] / GRID[-1] < 4.0 ** (most + 1)


def test_a_winner_on_an_edge_of_the_first_lives_is_tuned_on(monkeypatch):
    """Where the first lives have another best setting than all of them."""
    edge, far = GRID[-1], 4.0 * GRID[-1]

    def score(rate: float, first: bool) -> float:
        if first:  # in the middle, and nearly as good on the edge and beyond
            return -0.01 if rate >= edge else -abs(np.log(rate / GRID[1]))
        return -abs(np.log(rate / far))

    def live(self, learners, lives, tuning=False):
        scores = np.asarray([score(float(one.rate), lives[0] == 0) for one in learners])
        return Outcome(*(np.repeat(scores[:, None], len(lives), 1) for _ in Outcome._fields))

    monkeypatch.setattr(Arena, "live", live)
    monkeypatch.setattr(Arena, "prepare", lambda *_: None)
    found = tuned(1.0, lives=40).report
    assert not found["on_edge"] and found["rate"] == pytest.approx(far)
    monkeypatch.setattr("metaplast.bench.tuning._beyond_winner", lambda *_: [])  # the control
    before = tuned(1.0, lives=40).report
    assert before["on_edge"] and before["rate"] == pytest.approx(edge)


def test_the_winner_lives_all_lives_once():
    found = tuned(4.0)
    assert found.outcome.correct.shape == (1, 6, 200)
    assert float(found.learner.rate) == found.report["rate"]
    alone = Arena(TASK, 0).live([found.learner], range(6))
    assert 0 < alone.correct.mean() <= 1
    np.testing.assert_array_equal(alone.correct, found.outcome.correct)


def test_choices_without_numbers_are_compared_on_all_lives():
    variants = tuple(
        Variant({"kind": kind}, lambda _, rate=rate: Coin(rate, 4.0))
        for kind, rate in [("far", 400.0), ("near", 4.0), ("off", 40.0)]
    )
    found = tune(Candidate("coin", variants), Arena(TASK, 0), 5)
    assert found.report["kind"] == "near" and found.report["tried_on_lives"] == 5
    assert [t["kind"] for t in found.report["tried"]] == ["far", "near", "off"]
    assert found.outcome.accuracy.mean() == 1.0


def test_nothing_to_tune_reports_nothing():
    variant = Variant({}, lambda _: Coin(4.0, 4.0))
    assert tune(Candidate("coin", (variant,)), Arena(TASK, 0), 2).report == {}


def test_of_equals_the_middle_one_is_best():
    class Scored(Trial):
        @property
        def score(self):
            return self.outcome

    trials = [Scored(None, float(v), s) for v, s in enumerate([0.5, 0.9, 0.9, 0.9, 0.2])]
    assert best(trials).value == 2.0
    assert best([*trials, Scored(None, 5.0, 0.95)]).value == 5.0


@pytest.mark.parametrize(
    "arguments", [("rate", 0.0, 4.0, 5), ("rate", 1.0, 1.0, 5), ("rate", 1.0, 4.0, 2)]
)
def test_wrong_grids_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        Grid(*arguments)
