"""How far derivatives can be trusted, on maps whose Lyapunov exponent is known."""

from __future__ import annotations

import html
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.cli.output import plain
from metaplast.estimators.advice import advice, fit, recommended
from metaplast.estimators.compare import Budget, Comparison, cosine, row
from metaplast.estimators.facts import facts
from metaplast.estimators.horizon import Agreement, agreement, lyapunov
from metaplast.estimators.sample import Sample
from metaplast.meta.stretches import divisors
from metaplast.report.estimators import page

THETA = {"theta": jnp.asarray(4.0)}


class Logistic(NamedTuple):
    """x' = theta x (1 - x): chaotic at 4, where its exponent is log 2; at rest at 2.5."""

    horizon: int = 60

    @property
    def stretches(self):
        return divisors(self.horizon)

    @property
    def plain(self):
        return self

    def __call__(self, theta, key):
        loss, report, _ = self.advance(theta, self.begin(theta, key), self.horizon)
        return loss, report

    def begin(self, theta, key):
        return jax.random.uniform(key, minval=0.2, maxval=0.4, dtype=theta["theta"].dtype)

    def advance(self, theta, life, moments: int):
        def moment(x, _):
            x = theta["theta"] * x * (1 - x)
            return x, x

        life, heard = jax.lax.scan(moment, life, None, moments)
        return jnp.mean(heard), (jnp.mean(heard),), life


@pytest.fixture(autouse=True)
def precise():
    with jax.enable_x64(True):
        yield


def test_the_exponent_of_a_chaotic_map_is_log_2_and_of_one_at_rest_negative():
    grown = lyapunov(Logistic(3000), {"theta": jnp.asarray(4.0)}, 10, 4, jax.random.key(0))
    np.testing.assert_allclose(grown.mean(), np.log(2), rtol=0.02)
    calm = lyapunov(Logistic(300), {"theta": jnp.asarray(2.5)}, 10, 2, jax.random.key(0))
    np.testing.assert_allclose(calm[:, 5:].mean(), np.log(0.5), rtol=0.02)


def test_derivatives_lose_their_meaning_in_chaos_and_keep_it_at_rest():
    key = jax.random.key(1)
    chaotic = agreement(Logistic(60), {"theta": jnp.asarray(3.9)}, 3, 1e-4, 4, 4, key)
    assert 3 <= chaotic.longest < 40
    assert abs(chaotic.correlation[-1]) < 0.9 < chaotic.correlation[0]
    calm = agreement(Logistic(60), {"theta": jnp.asarray(2.5)}, 3, 1e-4, 4, 4, key)
    assert calm.longest == 60 and calm.correlation.min() > 0.999
    assert np.abs(calm.measured).min() > 0


def test_a_horizon_that_no_gene_has_reached_says_nothing_of_derivatives():
    class Late(Logistic):
        """The first stretch is answered before theta has done anything."""

        def begin(self, theta, key):
            return super().begin(theta, key), jnp.asarray(0)

        def advance(self, theta, life, moments: int):
            x, at = life
            loss, report, x = super().advance(theta, x, moments)
            return jnp.where(at == 0, 1.0, loss), report, (x, at + 1)

    theta, key = {"theta": jnp.asarray(2.5)}, jax.random.key(1)
    found = agreement(Late(60), theta, 3, 1e-4, 4, 4, key)
    assert np.isnan(found.correlation).tolist() == [True] + 19 * [False]
    assert found.longest == 60
    # The controls: a difference that the derivative does not see, and one that is no number.
    for predicted, measured in ((0.0, 1.0), (np.nan, np.nan)):
        blind = found._replace(predicted=found.predicted.copy(), measured=found.measured.copy())
        blind.predicted[..., 0], blind.measured[..., 0] = predicted, measured
        assert blind.longest == 0 == blind.correlation[0]


def test_gradients_that_are_all_lost_are_said_and_judge_nobody():
    exact = made([np.nan, np.nan], 0.1, 1.0)
    rows = [
        row("Backprop", made([np.nan, np.nan], 0.1, 1.0, 1), exact),
        row("Forward", made([3.0, 4.0], 0.1, 0.1, 2), exact),
        row("ES", made([3.0, 4.0], 3.0, 2.0, 3), exact),
    ]
    assert np.isnan(rows[0].bias) and rows[0].lost == 1
    always = Agreement(np.arange(1, 61), np.ones((1, 1, 60)), np.ones((1, 1, 60)))
    found = Comparison(2, 60, 1, float("nan"), rows, always, np.zeros((1, 60)), True)
    best = recommended(found)
    assert best is not None and best.name == "ES"
    assert "all lost" in advice(found) and "objective.segment = 2" in advice(found)
    known = found._replace(exact=5.0)  # the control
    assert "all lost" not in advice(known)


def made(mean, spread, seconds, seed=0):
    """Estimates around a mean."""
    noise = np.random.default_rng(seed).normal(size=(40, 1, 8, 2)) * spread
    return Sample(np.asarray(mean) + noise, seconds, 1)


def test_bias_is_told_from_noise():
    exact = made([3.0, 4.0], 0.1, 1.0)
    fair, off = made([3.0, 4.0], 2.0, 1.0, 1), made([3.0, -4.0], 0.1, 1.0, 2)
    right, wrong = row("fair", fair, exact), row("off", off, exact)
    assert right.bias < 2 * right.noise and right.cosine > 0.9
    np.testing.assert_allclose(wrong.bias, 8 / 5, rtol=0.01)
    np.testing.assert_allclose(right.variance, 2 * 2.0**2 / 8 / 25, rtol=0.5)
    np.testing.assert_allclose(wrong.mean_cosine, cosine([3, -4], [3, 4]), rtol=0.05)
    # One lost estimate is left out of the mean cosine.
    gap = off.gradients.copy()
    gap[0] = np.nan
    np.testing.assert_allclose(row("off", off._replace(gradients=gap), exact).cosine, wrong.cosine,
                               rtol=0.05)  # fmt: skip


@pytest.mark.parametrize("longest", [60, 20])
def test_advice_takes_no_biased_estimator_and_no_derivative_without_meaning(longest):
    exact = made([3.0, 4.0], 0.1, 1.0)
    rows = [
        row("Backprop", made([3.0, 4.0], 0.1, 1.0, 1), exact),
        row("Truncated", made([3.0, -4.0], 0.1, 0.1, 2), exact),
        row("PES", made([3.0, 4.0], 3.0, 2.0, 3), exact),
    ]
    told = np.ones((1, 1, 60))
    true = np.where(np.arange(60) < longest, 1.0, -1.0)[None, None]
    trusted = Agreement(np.arange(1, 61), told, true)
    assert trusted.longest == longest
    found = Comparison(2, 60, 1, 5.0, rows, trusted, np.zeros((1, 60)), True)
    best = recommended(found)
    assert best is not None and best.name == ("Backprop" if longest == 60 else "PES")
    assert f'meta.type = "{best.name}"' in advice(found)
    assert "a single stretch" not in advice(found)
    assert "a single stretch" in advice(found._replace(stretch=60))
    # Truncated is the cheaper of the others, and no runner-up where its bias is known.
    assert min(rows[1:], key=lambda one: one.cost(judged=True)).name == "Truncated"
    assert "Truncated" not in advice(found)


def judged(reference, spread):
    """Backprop, a cheap estimator that is off by three fifths of the gradient, and a dear one that
    is right, by an exact gradient whose estimates are spread as far as is said."""
    exact = made([1.0, 0.0], reference, 1.0, 2)
    rows = [
        row("Backprop", made([1.0, 0.0], spread, 1.0, 12), exact),
        row("Truncated", made([0.4, 0.0], 0.01, 0.1, 13), exact),
        row("PES", made([1.0, 0.0], 0.5, 2.0, 14), exact),
    ]
    trusted = Agreement(np.arange(1, 3), np.ones((1, 1, 2)), np.ones((1, 1, 2)))
    return Comparison(2, 2, 1, 1.0, rows, trusted, np.zeros((1, 2)), True)


def test_the_noise_of_the_exact_gradient_excuses_no_bias():
    found = judged(4.4, 8.0)
    backprop, truncated, _ = found.rows
    assert backprop.noise < 1 and 0.5 < truncated.bias < 2 * truncated.noise
    assert truncated.own < 0.01 * truncated.noise, "it is noise of what is exact"
    best = recommended(found)
    assert best is not None and best.name == "PES"
    # The controls: noise of its own, and no bias.
    for other in (truncated._replace(own=truncated.noise), truncated._replace(bias=0.0)):
        best = recommended(found._replace(rows=[backprop, other]))
        assert best is not None and best.name == "Truncated"


@pytest.mark.parametrize("exploded", [False, True])
def test_where_no_exact_gradient_counts_noise_and_seconds_decide(exploded):
    """And neither the order of the rows, nor the length of a gradient without meaning."""
    exact = made([3e12, 4e12], 0.1, 1.0) if exploded else None
    rows = [
        row("ES", made([3.0, 4.0], 3.0, 9.0, 1), exact),
        row("PES", made([3.0, 4.0], 9.0, 1.0, 2), exact),
        row("NRES", made([3.0, 4.0], 0.3, 1.0, 3), exact),
    ]
    nothing = Agreement(np.arange(1, 61), np.ones((1, 1, 60)), -np.ones((1, 1, 60)))
    assert nothing.longest == 0
    length = 5e12 if exploded else float("nan")
    found = Comparison(2, 60, 1, length, rows, nothing, np.zeros((1, 60)), exploded)
    assert [each.name for each in fit(found)] == ["NRES", "PES", "ES"]
    assert f"variance {rows[2].own_variance:.3g} of its own mean (PES: 1 s" in advice(found)
    dear = found._replace(rows=[*rows[:2], rows[2]._replace(seconds=100.0)])  # the control
    assert [each.name for each in fit(dear)] == ["PES", "ES", "NRES"]


@pytest.mark.parametrize("known", [True, False])
def test_a_gradient_of_zero_is_advised_on_without_a_traceback(known):
    exact = made([0.0, 0.0], 0.0, 1.0) if known else None
    rows = [row("ES", made([0.0, 0.0], 0.0, 1.0), exact)]
    always = Agreement(np.arange(1, 61), np.ones((1, 1, 60)), np.ones((1, 1, 60)))
    length = 0.0 if known else float("nan")
    found = Comparison(2, 60, 1, length, rows, always, np.zeros((1, 60)), known)
    assert recommended(found) is None and "No advice" in advice(found)
    assert ("no number of the genome changes the loss" in advice(found)) is known


def test_no_advice_where_the_exact_gradient_is_mostly_noise():
    found = judged(4.4, 30.0)
    told = advice(found)
    noise = found.rows[0].noise
    assert noise > 1 and recommended(found) is None
    assert f"No advice: backprop itself is off by {noise:.3g}" in told and "Take" not in told
    assert told.endswith("give more cycles and more lives.") and "\n" not in told
    # The controls: a budget that tells, and derivatives by which nobody is judged.
    enough = judged(0.1, 0.1)
    best = recommended(enough)
    assert best is not None and enough.rows[0].noise < 0.1
    assert f"bias {best.bias:.3g} with a noise of {best.noise:.3g}" in advice(enough)
    nothing = found.agreement._replace(measured=-np.ones((1, 1, 2)))
    other = found._replace(agreement=nothing)
    best = recommended(other)
    assert best is not None and best.name == "PES" and "bias" not in advice(other)


def test_no_advice_where_the_budget_decides_nothing():
    """Noise that is by chance the cheapest is not recommended; more of the same noise around a
    direction is."""
    rng = np.random.default_rng(0)

    def among(shift, cycles):
        noise = Sample(rng.normal(size=(cycles, 1, 1, 40)) + shift, 0.1, 1)
        nothing = Agreement(np.arange(1, 3), np.ones((1, 1, 2)), -np.ones((1, 1, 2)))
        exact = Sample(rng.normal(size=(90, 1, 8, 40)) + 1.0, 1.0, 1)
        rows = [row("Backprop", exact, exact), row("ES", noise, exact)]
        return Comparison(40, 2, 1, 1.0, rows, nothing, np.zeros((1, 2)), True)

    few, many = among(0.0, 2), among(1.0, 40)
    assert recommended(few) is None and "decides nothing" in advice(few)
    assert "1 of 2" in advice(few) and "Take" not in advice(few)
    best = recommended(many)
    assert best is not None and best.name == "ES" and 'Take meta.type = "ES"' in advice(many)


def test_the_page_shows_every_estimator_and_the_advice():
    exact = made([3.0, 4.0], 0.1, 1.0)
    rows = [row("Backprop", made([3.0, 4.0], 0.1, 1.0, 1), exact)]
    trusted = Agreement(np.arange(1, 3), np.ones((1, 1, 2)), np.ones((1, 1, 2)))
    found = Comparison(2, 2, 1, 5.0, rows, trusted, np.full((1, 2), 0.125), True)
    told = facts("<x>", Budget(), found)
    shown = page(plain(told))
    assert advice(found) in html.unescape(shown) and "&lt;x&gt;" in shown and "0.12" in shown
    assert all(cell in shown for cell in told["cells"][0])
