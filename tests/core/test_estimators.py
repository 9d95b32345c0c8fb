"""Estimators of the meta-gradient, where the gradient is known."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import memory
from metaplast.estimators.horizon import agreement, lyapunov
from metaplast.estimators.influence import Influence
from metaplast.estimators.sample import Sample, sample
from metaplast.memory import Unfit
from metaplast.meta import ES, NRES, PES, AbstractDescent, Backprop, Forward, LowRankES, Truncated

HORIZON, STRETCH = 100, 10
EXACT = {
    "backprop": Backprop(lives=2),
    "forward": Forward(lives=2),
    "truncated": Truncated(lives=2),
}
RANDOM = {
    "ES": ES(lives=64, width=64),
    "PES": PES(lives=64, width=64),
    "NRES": NRES(lives=64, width=64),
    "low rank": LowRankES(lives=64, width=64, rank=1),
}
HALF_LIVED = {
    "PES": PES(lives=256, width=256, stretch=STRETCH),
    "NRES": NRES(lives=256, width=256, stretch=STRETCH),
}


@pytest.fixture(scope="module", autouse=True)
def precise():
    with jax.enable_x64(True):
        yield


def bowl(theta, key):
    """A quadratic, steeper along some numbers, with noise in its minimum."""
    shift = 0.1 * jax.random.normal(key)
    loss = jnp.sum((theta["matrix"] - 1) ** 2) + 3 * jnp.sum((theta["vector"] + 2 + shift) ** 2)
    return loss, (loss,)


THETA = {"matrix": np.arange(6.0).reshape(3, 2), "vector": np.zeros(2)}
SLOPE = np.concatenate([2 * (np.arange(6.0) - 1), np.full(2, 12.0)])


def at(theta):
    return jax.tree.map(jnp.asarray, theta)


@pytest.mark.parametrize("name", EXACT | RANDOM)
def test_estimates_have_the_mean_of_a_known_gradient(name):
    found = sample((EXACT | RANDOM)[name], bowl, at(THETA), 24, jax.random.key(0))
    distance = np.abs(found.mean - SLOPE)
    assert found.lost == 0
    assert np.all(distance < 4.5 * found.error + 1e-9), (distance, found.error)
    # Negative control: the error bars are short enough to tell it from its half.
    assert np.linalg.norm(found.error) < 0.1 * np.linalg.norm(SLOPE)


@pytest.fixture(scope="module")
def influence():
    """The problem, where, and the exact derivative there."""
    theta = {"theta": np.asarray(0.5)}
    lives = Influence(HORIZON)
    exact = float(jax.grad(lambda t: lives(t, None)[0])(at(theta))["theta"])
    return lives, theta, exact


def test_the_derivative_through_a_life_is_that_of_finite_differences(influence):
    lives, _, exact = influence
    step = 1e-5
    losses = [float(lives(at({"theta": 0.5 + s}), None)[0]) for s in (step, -step)]
    np.testing.assert_allclose(exact, (losses[0] - losses[1]) / (2 * step), rtol=1e-6)
    assert abs(exact) > 1


def test_tangents_carried_from_stretch_to_stretch_lose_nothing(influence):
    lives, theta, exact = influence
    found = sample(Forward(lives=2, stretch=STRETCH), lives, at(theta), 2, jax.random.key(0))
    np.testing.assert_allclose(found.mean, [exact], rtol=1e-9)


def test_truncated_backprop_is_biased_and_whole_stretches_are_not(influence):
    """The negative control of all the others: a biased estimator is caught."""
    lives, theta, exact = influence
    short = sample(Truncated(lives=2, stretch=STRETCH), lives, at(theta), 2, jax.random.key(0))
    assert float(short.mean[0]) * exact < 0, "it even has the wrong sign"
    whole = sample(Truncated(lives=2), lives, at(theta), 2, jax.random.key(0))
    np.testing.assert_allclose(whole.mean, [exact], rtol=1e-9)


@pytest.mark.parametrize("name", HALF_LIVED)
def test_persistent_estimators_have_no_bias_where_truncation_has(influence, name):
    lives, theta, exact = influence
    found = sample(HALF_LIVED[name], lives, at(theta), 8, jax.random.key(1))
    error = float(found.error[0])
    assert abs(float(found.mean[0]) - exact) < 4 * error
    assert error < 0.1 * abs(exact), "else anything would pass"


class Treacherous(Influence):
    """Lives that end in a NaN where theta is pushed up."""

    def advance(self, theta, life, moments: int):
        loss, report, life = super().advance(theta, life, moments)
        return jnp.where(theta["theta"] > 0.55, jnp.nan, loss), report, life


def test_an_estimator_that_lost_everything_has_no_variance(recwarn):
    """A variance of zero would be the best there is."""
    drawn = np.random.default_rng(0).normal(size=(3, 2, 4, 5))
    sound, lost = (Sample(g, 1.0, 1) for g in (drawn, np.full_like(drawn, np.nan)))
    np.testing.assert_allclose(sound.mean, drawn.mean((0, 1, 2)))
    each = drawn.mean(2).reshape(6, 5)
    np.testing.assert_allclose(sound.variance, np.var(each, 0, ddof=1).sum())
    assert sound.variance > 0 and sound.lost == 0
    assert np.isnan(lost.variance) and np.isnan(lost.mean).all() and np.isnan(lost.error).all()
    assert lost.lost == 1
    drawn[0, 0, 1:] = np.nan  # of one estimate a single life is left, and of another none
    drawn[1, 1] = np.nan
    known = [*drawn[0, 0, :1], *(drawn[i, j].mean(0) for i, j in ((0, 1), (1, 0), (2, 0), (2, 1)))]
    part = Sample(drawn, 1.0, 1)
    np.testing.assert_allclose(part.variance, np.var(known, 0, ddof=1).sum())
    np.testing.assert_allclose(part.lost, 7 / 24)
    assert not recwarn.list


@pytest.mark.parametrize("lost", [0.0, 0.5, 0.8])
def test_the_standard_error_is_that_of_what_was_not_lost(lost):
    """Cycles of a life are drawn with what its neighbors have; means over many samples know."""
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(2000, 9, 4, 3))
    drawn = (drawn[:, 1:] + drawn[:, :-1])[:, :, None]
    drawn[rng.random((2000, 8, 1, 4)) < lost] = np.nan
    samples = [Sample(one, 1.0, 1) for one in drawn]
    means, errors = (np.array([getattr(s, of) for s in samples]) for of in ("mean", "error"))
    true = np.nanstd(means, 0)
    assert true.min() > 0.2
    squared = np.nanmean(errors**2, 0) ** 0.5
    # Few numbers know little of the spread, and below 0 no neighbors count: a tenth on average.
    np.testing.assert_allclose(squared, true, rtol=0.15)
    few = np.isnan(errors).any(1)  # a single one that is left has no spread
    left = np.isfinite(drawn).all(-1).sum((1, 2, 3))
    np.testing.assert_array_equal(few, left < 2)


def test_lives_without_a_number_are_left_out_counted_and_begun_anew():
    meta = PES(lives=16, width=16, stretch=STRETCH, spread=0.1)
    lives, theta = Treacherous(HORIZON), at({"theta": np.asarray(0.5)})
    held = meta.hold(lives, theta, jax.random.key(0))
    estimate = jax.jit(lambda held, key: meta.estimate(lives, theta, held, key))
    (gradients, _), held = estimate(held, jax.random.key(1))
    bad = ~np.isfinite(np.asarray(gradients)[:, 0])
    assert 0 < bad.sum() < 16
    np.testing.assert_array_equal(held.fresh, bad | (np.asarray(held.left) == HORIZON))
    state = meta.init(lives, theta, jax.random.key(0))
    step = jax.jit(lambda state, key: meta.step(lives, theta, state, key))
    after, _, step = step(state, jax.random.key(1))
    assert float(step.lost) == bad.mean()
    assert np.isfinite(float(after["theta"])) and float(after["theta"]) != 0.5


def test_lives_are_staggered_over_all_ages():
    meta = PES(lives=20, stretch=STRETCH)
    held = meta.hold(Influence(HORIZON), at({"theta": np.asarray(0.5)}), jax.random.key(0))
    assert sorted(set(np.asarray(held.left).tolist())) == list(range(10, 101, 10))


def test_a_horizon_that_grows_begins_short_and_ends_whole():
    meta = PES(lives=4, stretch=STRETCH, first=20, steps=20)
    lives, theta = Influence(HORIZON), at({"theta": np.asarray(0.5)})
    held = meta.hold(lives, theta, jax.random.key(0))
    step = jax.jit(lambda held, key: meta.estimate(lives, theta, held, key)[1])
    longest = [int(jnp.max(held.left))]
    for number in range(12):
        held = step(held, jax.random.key(number))
        longest.append(int(jnp.max(held.left)))
    assert longest[0] == 20 and longest[-1] >= HORIZON - STRETCH
    assert 20 < max(longest[:6]) < HORIZON, "and not at once"


def test_lives_stay_staggered_where_horizons_grow(monkeypatch):
    meta = Truncated(lives=16, width=16, stretch=STRETCH, first=20, steps=240)
    lives, theta = Influence(400), at({"theta": np.asarray(0.5)})

    def left() -> np.ndarray:
        """Moments that are left of each life, `[meta-steps, lives]`."""

        def step(held, key):
            _, held = meta.estimate(lives, theta, held, key)
            return held, held.left

        begun, keys = meta.hold(lives, theta, jax.random.key(0)), jax.random.key(1)
        run = jax.jit(lambda held: jax.lax.scan(step, held, jax.random.split(keys, 360))[1])
        return np.asarray(run(begun))

    def ages(left) -> float:
        """How many different ones there are once horizons have grown, on average."""
        return float(np.mean([len(np.unique(now)) for now in left[160:]]))

    drawn = left()
    assert drawn.min() > 0 and not (drawn % STRETCH).any()
    assert drawn[:30].max() < 100 and drawn[160:].max() == 400
    assert ages(drawn) > 10
    # The control: equally long lives that begin together end together.
    monkeypatch.setattr(Truncated, "_next", lambda self, lives, step, _: self._horizon(lives, step))
    assert ages(left()) < 3


def test_a_stretch_that_does_not_divide_the_horizon_is_refused():
    theta = at({"theta": np.asarray(0.5)})
    with pytest.raises(ValueError, match=r"stretch = 30: .* 100 moments; give 20 or 25 or 50"):
        PES(stretch=30).init(Influence(HORIZON), theta, jax.random.key(0))
    PES(stretch=25).init(Influence(HORIZON), theta, jax.random.key(0))


@pytest.mark.parametrize("meta", [PES, NRES, Truncated, Forward])
def test_shorter_first_lives_that_would_not_be_shorter_are_refused(meta):
    """Without a stretch a life is one stretch, and none is shorter than that."""
    lives, theta, key = Influence(HORIZON), at({"theta": np.asarray(0.5)}), jax.random.key(0)
    for options, fix in (
        ({"first": 20}, "100 moments; give stretch = 20, or leave out first"),
        ({"first": 33}, "100 moments; give stretch = 25, or leave out first"),
        ({"first": 20, "stretch": 50}, "50 moments; give stretch = 20, or first = 50 or more"),
    ):
        with pytest.raises(ValueError, match=rf"first = {options['first']}: .* {fix}$"):
            meta(lives=4, **options).init(lives, theta, key)
    # The control: as it was told, and where no life is to be shorter. The first ones are.
    left = {}
    for name, options in {
        "short": {"first": 20, "stretch": 20}, "fifty": {"first": 50, "stretch": 50},
        "whole": {"first": 100}, "none": {},
    }.items():  # fmt: skip
        left[name] = int(jnp.max(meta(lives=4, **options).init(lives, theta, key).held.left))
    assert left == {"short": 20, "fifty": 50, "whole": 100, "none": 100}


def torn(theta, key):
    """A bowl over leaves of one, two and three axes, without a number where theta is pushed far."""
    shift = 0.1 * jax.random.normal(key)
    loss = sum(jnp.sum((leaf - 1 - shift) ** 2) for leaf in jax.tree.leaves(theta))
    return jnp.where(jnp.abs(theta["matrix"][0, 0]) > 0.1, jnp.nan, loss), (loss,)


LEAVES = {
    "cube": np.arange(24.0).reshape(2, 3, 4),
    "matrix": np.arange(6.0).reshape(3, 2),
    "vector": np.arange(2.0),
}


@pytest.mark.parametrize("rank", [1, 3])
def test_the_mean_of_perturbations_of_low_rank_needs_none_of_them(rank):
    """A contraction of factors is what the gradients of all pairs have for their mean."""
    meta, theta = LowRankES(lives=16, width=4, rank=rank), at(LEAVES)
    dense = jax.jit(lambda key: AbstractDescent.mean(meta, torn, theta, None, key)[0])
    without = jax.jit(lambda key: meta.mean(torn, theta, None, key)[0])
    key = jax.random.key(0)
    (gradient, score, lost), (wanted, *others) = without(key), dense(key)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())
    assert np.all(np.abs(wanted) > 0) and 0 < float(lost) < 1
    assert float(lost) == float(others[1])
    np.testing.assert_allclose(score[0], others[0][0], rtol=1e-12)
    # The control: other pairs have another mean.
    other = np.asarray(dense(jax.random.key(1))[0])
    assert np.linalg.norm(other - wanted) > 0.1 * np.linalg.norm(wanted)


def test_the_mean_of_low_rank_is_zero_where_all_is_lost_and_is_clipped_as_any():
    meta, theta = LowRankES("sgd", 0.5, lives=4, clip=0.25), at(LEAVES)

    def lost(theta, key):
        loss, report = bowl(theta, key)
        return loss + jnp.nan, report

    (gradient, score, share), _ = meta.mean(lost, theta, None, jax.random.key(0))
    assert not np.any(gradient) and np.isnan(score[0]) and float(share) == 1
    state = meta.init(bowl, theta, jax.random.key(0))
    after, _, step = meta.step(bowl, theta, state, jax.random.key(0))
    moved = [np.ravel(after[name] - LEAVES[name]) for name in LEAVES]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(moved)), 0.5 * 0.25, rtol=1e-6)
    assert float(step.lost) == 0  # the control


def test_memory_of_low_rank_does_not_grow_with_pairs_times_numbers():
    pairs, side = 64, 128
    theta, key = at({"matrix": np.ones((side, side))}), jax.random.key(0)
    every = pairs * side**2 * 8  # bytes of a gradient of each pair

    def far(theta, key):
        loss = jnp.sum(jnp.tanh(theta["matrix"] @ jax.random.normal(key, (side,))))
        return loss, (loss,)

    def needed(mean):
        compiled = jax.jit(lambda theta, key: mean(far, theta, None, key)[0]).lower(theta, key)
        return compiled.compile().memory_analysis().temp_size_in_bytes

    low, whole = LowRankES(lives=pairs, width=2), ES(lives=pairs, width=2)
    assert 0 < needed(low.mean) < every / 4
    # The controls: all that keep a gradient of each pair.
    assert needed(whole.mean) >= every
    assert needed(lambda *given: AbstractDescent.mean(low, *given)) >= every


class Hungry(Influence):
    """Lives that take memory: all their moments are kept, and looked at in order."""

    def begin(self, theta, key):
        return super().begin(theta, key) + jax.random.normal(key)

    def advance(self, theta, life, moments: int):
        loss, report, life = super().advance(theta, life, moments)
        _, kept = jax.lax.scan(lambda c, _: (jnp.tanh(c + loss), c), loss, None, 10_000)
        return loss + jnp.sort(kept)[5000], report, life


@pytest.mark.parametrize("meta", [Backprop, ES])
def test_where_memory_is_short_an_estimate_lives_fewer_at_once(meta, monkeypatch):
    lives, theta, key = Hungry(10), at({"theta": np.asarray(0.5)}), jax.random.key(0)
    whole = sample(meta(lives=8), lives, theta, 2, key)
    free = int(0.7 * whole.bytes)
    monkeypatch.setattr(memory, "free", lambda: free)
    with pytest.raises(Unfit):  # as many at once as somebody chose, and as there were before
        sample(meta(lives=8, width=4), lives, theta, 2, key)
    fewer = sample(meta(lives=8), lives, theta, 2, key)
    assert 0 < fewer.bytes <= free
    np.testing.assert_allclose(fewer.gradients, whole.gradients, rtol=1e-9)
    assert np.all(np.abs(whole.gradients) > 0)


def test_where_memory_is_short_horizons_are_measured_with_fewer_lives_at_once(monkeypatch):
    lives, theta, key = Hungry(10), at({"theta": np.asarray(0.5)}), jax.random.key(0)
    asked = []

    def free() -> int:
        """None for the first program, enough for the one that is made of it."""
        asked.append(0 if len(asked) % 2 == 0 else 2**40)
        return asked[-1]

    def both():
        told = agreement(lives, theta, 5, 0.01, 4, 2, key)
        return [told.predicted, told.measured, lyapunov(lives, theta, 5, 8, key)]

    whole = both()
    monkeypatch.setattr(memory, "free", free)
    for fewer, before in zip(both(), whole, strict=True):
        np.testing.assert_allclose(fewer, before, rtol=1e-9)
        assert np.all(np.abs(before) > 0)
    assert len(asked) == 4
