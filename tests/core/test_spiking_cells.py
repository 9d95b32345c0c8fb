"""Spiking cells whose rates, intervals and traces are known."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from core.one_cell import driven
from metaplast.neurons import (
    LIF,
    AdaptiveLIF,
    Izhikevich,
    Leaky,
    Noisy,
    Rate,
    StochasticBinary,
    Traced,
)
from metaplast.neurons.izhikevich import PEAK

TAU, DT = 20.0, 0.1
CURRENTS = np.asarray([0.5, 0.99, 1.1, 1.5, 2.0, 4.0, 10.0])
"""In rheobases."""


def spikes(cell, currents, steps: int):
    """Spikes `[currents, steps]` of a cell driven by constant currents in rheobases."""
    drives = np.outer(currents, np.full(steps, 1 - np.exp(-DT / TAU)))
    run = jax.jit(jax.vmap(lambda d: driven(cell, d)[1].activity))
    return np.asarray(run(jnp.asarray(drives)))


@pytest.mark.parametrize("refractory", [0.0, 5.0])
def test_lif_fires_at_the_analytic_rate(refractory):
    seconds = 1.0
    z = spikes(LIF(TAU, refractory, DT), CURRENTS, int(1000 * seconds / DT))
    assert set(np.unique(z)) == {0.0, 1.0}
    above = CURRENTS > 1
    period = np.full(len(CURRENTS), np.inf)
    period[above] = TAU * np.log(CURRENTS[above] / (CURRENTS[above] - 1))
    rate = 1000 / np.maximum(period, refractory)
    assert rate[above].min() > 10 and np.all(rate[~above] == 0)
    # One spike of tolerance for where the window ends, 0.5 % for the step.
    np.testing.assert_allclose(z.sum(1), rate * seconds, rtol=5e-3, atol=1.0)
    # With another membrane the rates are others.
    assert np.abs(spikes(LIF(TAU / 2, refractory, DT), CURRENTS, 2000).sum(1) - rate / 5).max() > 5


def test_adaptive_lif_settles_at_the_analytic_interval():
    tau_adaptation, strength, current = 200.0, 0.3, 3.0
    cell = AdaptiveLIF(TAU, tau_adaptation, strength, 0.0, DT)
    z = spikes(cell, [current], 20_000)[0]
    intervals = np.diff(np.flatnonzero(z)) * DT

    def missing(period):
        # Just before a spike: the adaptation of spikes one period apart, and the membrane.
        threshold = 1 + strength / np.expm1(period / tau_adaptation)
        return current + (threshold - 1 - current) * np.exp(-period / TAU) - threshold

    settled = brentq(missing, 1.0, 500.0)
    assert settled > 1.5 * intervals[0], "it must have adapted"
    assert np.all(np.diff(intervals[:5]) > 0)
    assert intervals[-10:].mean() == pytest.approx(settled, abs=DT)
    fresh = TAU * np.log(current / (current - 1))
    assert intervals[0] < 1.5 * fresh < settled


def test_adaptive_lif_without_adaptation_is_lif():
    drives = jax.random.uniform(jax.random.key(0), (200,), maxval=0.3)
    plain = driven(LIF(refractory=2.0), drives)[1]
    for strength, same in ((0.0, True), (0.2, False)):
        other = driven(AdaptiveLIF(strength=strength, refractory=2.0), drives)[1]
        assert bool(jnp.all(other.activity == plain.activity)) == same
    assert float(plain.activity.sum()) > 5


KINDS = {
    "regular spiking": (0.02, 0.2, -65.0, 8.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast spiking": (0.1, 0.2, -65.0, 2.0),
}


def izhikevich_by_hand(a, b, c, d, current, steps: int, dt: float, halves: int = 2):
    """Moments of the spikes, in Python floats."""
    v, found = -65.0, []
    u = b * v
    for moment in range(steps):
        for _ in range(halves):
            v = min(v, PEAK)
            v = v + dt / halves * (0.04 * v * v + 5 * v + 140 - u + current)
        v = min(v, PEAK)
        u = u + dt * a * (b * v - u)
        if v >= PEAK:
            found.append(moment)
            v, u = c, u + d
    return np.asarray(found)


@pytest.fixture(scope="module")
def izhikevich():
    """Moments of the spikes of each kind at a current of 10, in float64, a second long."""
    with jax.enable_x64(True):
        run = jax.jit(lambda cell: driven(cell, jnp.ones(1000))[1].activity)
        return {k: np.flatnonzero(run(Izhikevich(*p, gain=10.0))) for k, p in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_izhikevich_spikes_when_an_integration_by_hand_does(izhikevich, kind):
    reference = izhikevich_by_hand(*KINDS[kind], 10.0, 1000, 1.0)
    assert len(reference) > 10
    np.testing.assert_array_equal(izhikevich[kind], reference)
    other = izhikevich_by_hand(*KINDS[kind], 10.5, 1000, 1.0)
    assert not np.array_equal(other, reference)


@pytest.mark.parametrize("site", ["basal", "lateral"])
def test_izhikevich_does_not_spike_when_it_is_inhibited(site):
    """Not even from strong inhibition, which an explicit step would turn into a rise."""
    cell, zero = Izhikevich(), jnp.asarray(0.0)

    @jax.jit
    @jax.vmap
    def spikes(strength):
        def moment(state, at):
            now = jnp.where(at == 3, strength, 0.0)
            state, said = cell.fire(state, now if site == "basal" else zero, None)
            state, said = cell.settle(state, said, now if site == "lateral" else zero)
            return state, (said.activity, state.membrane)

        return jax.lax.scan(moment, cell.init(zero, zero), jnp.arange(8))[1]

    fired, membrane = spikes(jnp.asarray([-1.0, -4.0, -8.0, -30.0, -100.0]))
    assert not np.any(fired)
    assert np.min(membrane[:, 3]) == -100.0 and np.all(membrane[0] > -90.0)
    assert np.any(spikes(jnp.asarray([8.0]))[0])  # the control: excitation


def test_izhikevich_fires_at_the_rate_of_a_fine_integration(izhikevich):
    found = izhikevich["regular spiking"]
    fine = izhikevich_by_hand(*KINDS["regular spiking"], 10.0, 50_000, 0.02, halves=1)
    assert len(found) == pytest.approx(len(fine), rel=0.1)


def test_izhikevich_cells_behave_as_published(izhikevich):
    regular, chatter, fast = (np.diff(izhikevich[kind]) for kind in KINDS)
    assert regular[1] > regular[0], "regular spiking cells adapt"
    assert len(fast) > 2 * len(regular) and np.ptp(fast[5:]) <= 1, "fast ones hardly"
    assert chatter.min() <= 4 and chatter.max() > 4 * chatter.min(), "chattering ones burst"
    assert regular[1:].max() < 2 * regular[1:].min(), "regular ones do not"


def test_binary_cells_are_active_at_the_given_rate():
    cell, drives = StochasticBinary(threshold=0.3, temperature=0.5), jnp.linspace(-1.0, 1.5, 6)
    keys = jax.random.split(jax.random.key(0), 4000)

    def activity(drive, key):
        return cell.fire(cell.init(drive, drive), drive, key)[1].activity

    def mapped(function):
        return jax.vmap(lambda d: jax.vmap(lambda k: function(d, k))(keys))(drives)

    z, slopes = jax.jit(lambda: (mapped(activity), mapped(jax.grad(activity))))()
    assert set(np.unique(z)) == {0.0, 1.0}
    p = 1 / (1 + np.exp(-(np.asarray(drives) - 0.3) / 0.5))
    error = np.sqrt(p * (1 - p) / len(keys))
    assert np.all(np.abs(z.mean(1) - p) < 4 * error)
    assert np.any(np.abs(z.mean(1) - 1 / (1 + np.exp(-drives))) > 4 * error)
    np.testing.assert_allclose(slopes.mean(1), p * (1 - p) / 0.5, rtol=1e-5)


def test_a_leaky_cell_follows_a_step_exponentially():
    v = np.asarray(driven(Leaky(Rate("tanh"), TAU, DT), jnp.full(500, 0.8))[1].activity)
    time = DT * np.arange(1, 501)
    np.testing.assert_allclose(v, np.tanh(0.8 * (1 - np.exp(-time / TAU))), atol=1e-5)
    assert abs(v[100] - np.tanh(0.8)) > 0.1


def test_traces_are_sums_of_exponentials():
    z = np.zeros(60)
    z[[3, 10, 11, 40]] = 1.0
    taus = {"tau": 5.0, "tau_plus": 10.0, "tau_minus": 20.0, "tau_x": 30.0, "tau_y": 40.0}
    cell = driven(Traced(Rate("linear"), **taus), jnp.asarray(z), jnp.full(60, 0.5))[1]

    def trace(tau, now: bool):
        weights = np.exp(-np.subtract.outer(np.arange(60), np.arange(60)) / tau)
        return np.tril(weights, 0 if now else -1) @ z

    quick, plus, minus = (trace(taus[t], n) for t, n in
                          (("tau", True), ("tau_plus", True), ("tau_minus", False)))  # fmt: skip
    pre = [quick, quick, quick, plus, z, plus, z * trace(30.0, False)]
    # A rate cell's error is what it hears; it is linear, so its slope is 1.
    post = [0.5 + 0 * z, 1 + 0 * z, 0.5 + 0 * z, z, minus, z * trace(40.0, False), minus]
    np.testing.assert_allclose(cell.pre.T, pre, atol=1e-5)
    np.testing.assert_allclose(cell.post.T, post, atol=1e-5)
    assert min(np.abs(pre[6]).max(), np.abs(post[5]).max()) > 0.5
    assert np.abs(trace(20.0, True) - minus).max() > 0.5


def test_traces_without_this_moment_are_those_of_the_last_also_where_noise_is_added_around_them():
    """Signals that do not count the moment's own activity, or are products with it."""
    z = np.zeros(20)
    z[[3, 10, 11]] = 1.0
    quiet = driven(Traced(Rate("linear")), z)[1]
    loud = driven(Noisy(Traced(Rate("linear")), 0.5), z, key=jax.random.key(0))[1]
    assert np.abs(loud.activity - quiet.activity).max() > 0.5
    np.testing.assert_allclose(loud.post[:, [4, 6]], quiet.post[:, [4, 6]], atol=1e-6)
    slow = np.asarray(quiet.pre[:, 6])[z > 0]
    np.testing.assert_allclose((loud.pre[:, 6] / loud.activity)[z > 0], slow, rtol=1e-4)
