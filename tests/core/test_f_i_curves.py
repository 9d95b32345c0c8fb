"""How often an Izhikevich cell fires at each current: fine integration, rheobase, monotony.

LIF's curve against its closed form is in test_spiking_cells.py.
"""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from metaplast.neurons import Izhikevich
from metaplast.neurons.izhikevich import PEAK, IzhikevichState

KINDS = {
    "regular spiking": (0.02, 0.2, -65.0, 8.0),
    "fast spiking": (0.1, 0.2, -65.0, 2.0),
}
CURRENTS = (4.5, 6.0, 10.0, 20.0, 40.0)
STEPS = (1.0, 0.5, 0.1, 0.02)
"""In ms, from the paper's on."""
LATE = 7.0
"""By how many steps an interval may be too long. The rise to a spike is convex, so explicit steps
lag behind it (up to 3 steps); the recovery hears of 30 mV for a whole step and has to forget it (up
to 3 in the fast cell); the spike waits for the end of its step. The lag vanishes with the step."""


@cache
def intervals_by_solver(kind: str) -> np.ndarray:
    """Settled intervals between spikes `[currents]` in ms, of the equations themselves."""
    return np.asarray([interval_by_solver(*KINDS[kind], current) for current in CURRENTS])


def interval_by_solver(a, b, c, d, current) -> float:
    """The interval in ms that no longer changes, by an adaptive method that stops at each spike."""

    def slope(_, y):
        v, u = y
        return [0.04 * v * v + 5 * v + 140 - u + current, a * (b * v - u)]

    def peak(_, y):
        return y[0] - PEAK

    peak.terminal, peak.direction = True, 1
    y, before = [-65.0, b * -65.0], 0.0
    for _ in range(200):
        found = solve_ivp(slope, (0, 1000), y, "DOP853", events=peak, rtol=1e-9, atol=1e-9)
        assert found.status == 1, "no spike within a second"
        y, interval = [c, found.y[1, -1] + d], found.t[-1]
        if abs(interval - before) < 1e-4 * interval:
            return interval
        before = interval
    raise AssertionError("it did not settle")


def spikes(kinds, currents, milliseconds, dt, membranes) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and membranes `[currents, steps]` in float64 of cells born on u = b v."""

    def life(cell, current, membrane):
        def moment(state, _):
            state, heard = cell.fire(state, current, None)
            return state, (heard.activity, state.membrane)

        born = IzhikevichState(membrane, cell.b.value * membrane, jnp.zeros(()))
        return jax.lax.scan(moment, born, length=round(milliseconds / dt))[1]

    with jax.enable_x64(True):
        cell = Izhikevich(*kinds, gain=1.0, dt=dt)
        membranes = np.broadcast_to(np.asarray(membranes, float), np.shape(currents))
        run = jax.jit(jax.vmap(life, (None, 0, 0)))
        found, v = run(cell, jnp.asarray(np.asarray(currents, float)), jnp.asarray(membranes))
        return np.asarray(found), np.asarray(v)


@cache
def intervals(parameters, dt: float) -> np.ndarray:
    """Mean settled intervals `[currents]` in ms of our cell: those of 300 ms to 1.5 s."""
    found = []
    for z in spikes(parameters, CURRENTS, 1500, dt, -65.0)[0]:
        times = dt * np.flatnonzero(z)
        found.append(np.diff(times[times > 300]).mean())
    return np.asarray(found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_curve_is_that_of_a_fine_integration(kind):
    exact = intervals_by_solver(kind)
    assert exact.max() > 5 * exact.min() > 5, "the sweep must see a curve"
    for dt in STEPS:
        late = (intervals(KINDS[kind], dt) - exact) / dt
        # A mean of whole steps is known to a fraction of a step.
        assert np.all((late > -0.5) & (late < LATE)), (dt, late)
    np.testing.assert_allclose(intervals(KINDS[kind], 0.02), exact, rtol=0.025)
    if kind == "regular spiking":  # the paper's own step is good enough for slow cells
        np.testing.assert_allclose(intervals(KINDS[kind], 1.0), exact, rtol=0.11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", (0, 1, 3))  # a, b, d; a regular cell's rate hardly hears of c
def test_a_cell_with_another_number_has_another_curve(kind, which):
    other = list(KINDS[kind])
    other[which] *= 1.15
    found, exact = intervals(tuple(other), 0.02), intervals_by_solver(kind)
    assert np.abs(found / exact - 1).max() > 2 * 0.025
    assert np.abs(found - exact).max() > LATE * 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_more_current_more_spikes(kind):
    for dt in (1.0, 0.02):
        rates = 1000 / intervals(KINDS[kind], dt)
        assert np.all(np.diff(rates) > 0) and rates[-1] > 5 * rates[0]


# -- rheobase --------------------------------------------------------------------------

BORDERS = {**KINDS, "low threshold": (0.02, 0.25, -65.0, 2.0), "quick": (0.3, 0.2, -65.0, 8.0)}
"""The last has a > b, so its rest loses a fixed point before it loses its stability."""


def rest(b: float, current):
    r"""The lower root in mV of $0.04 v^2 + (5 - b) v + 140 + I = 0$: rest, where $u = b v$."""
    return (b - 5 - np.sqrt(np.maximum((5 - b) ** 2 - 0.16 * (140 + current), 0))) / 0.08


def saddle_node(b: float) -> float:
    """The current above which there is no rest: the discriminant of those roots is 0."""
    return (5 - b) ** 2 / 0.16 - 140


def hopf(a: float, b: float) -> float:
    r"""The current above which rest repels, where $a < b$.

    The Jacobian is $[[s, -1], [ab, -a]]$ with $s = 0.08 v + 5$: its trace $s - a$ changes sign at
    $v = (a - 5) / 0.08$, its determinant $a (b - s)$ at the saddle-node, $s = b$. So this one
    comes first. The cell's step of 1 ms has the same fixed points and the determinant
    $(1 + s/2)^2 (1 - a)$, which is 1 at $s = a + 3 a^2 / 4$ to second order: a current 0.01 higher
    for the fast cell.
    """
    v = (a - 5) / 0.08
    return -(0.04 * v * v + (5 - b) * v + 140)


def test_the_borders_are_where_eigenvalues_say():
    assert saddle_node(0.2) == pytest.approx(4.0) and saddle_node(0.25) == pytest.approx(1.015625)
    for a, b, *_ in BORDERS.values():
        for current in np.linspace(-3, saddle_node(b) - 1e-3, 50):
            s = 0.08 * rest(b, current) + 5
            real = np.linalg.eigvals([[s, -1], [a * b, -a]]).real.max()
            assert (real < 0) == (current < hopf(a, b) or a > b)


@pytest.mark.parametrize("dt", [1.0, 0.1])
@pytest.mark.parametrize("kind", BORDERS)
def test_below_the_rheobase_silence_above_it_tonic_spikes(kind, dt):
    a, b, *_ = BORDERS[kind]
    border = hopf(a, b) if a < b else saddle_node(b)
    aside = np.asarray([-3.0, -1.0, -0.3, -0.1, -0.02, 0.02, 0.1, 0.3, 1.0, 3.0])
    currents = border + aside
    # From near its rest: where rest attracts, a larger push may find a cycle of spikes beside it.
    z, v = spikes(BORDERS[kind], currents, 6000, dt, rest(b, currents) + 0.1)
    silent = z.sum(axis=1) == 0
    np.testing.assert_array_equal(silent, aside < 0)
    # It has come to rest, so that it stays silent for ever.
    np.testing.assert_allclose(v[silent, -1], rest(b, currents[silent]), atol=2e-3)
    for spiking in z[~silent]:
        times = dt * np.flatnonzero(spiking)
        between = np.diff(times[times > 3000])
        assert len(between) > 10 and times[-1] > 6000 - 2 * between.max()
        assert between.max() < 1.3 * between.min() + 2 * dt, "tonic: about the same intervals"


@pytest.mark.parametrize("kind", BORDERS)
def test_without_a_rest_every_beginning_ends_in_spikes(kind):
    b = BORDERS[kind][1]
    begins = np.linspace(-90.0, 20.0, 12)
    z = spikes(BORDERS[kind], np.full(12, saddle_node(b) + 0.02), 3000, 1.0, begins)[0]
    assert z[:, 1500:].sum(axis=1).min() > 5
    z = spikes(BORDERS[kind], np.full(12, saddle_node(b) - 2.0), 3000, 1.0, begins)[0]
    assert z[:, 1500:].max() == 0  # far below, every one of them ends in silence
