"""Cells that say more than one thing, and cells that compete."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core.one_cell import driven
from core.small import plain
from metaplast.circuits import layered
from metaplast.delivery import Delivering
from metaplast.network import Genome, PlasticNetwork
from metaplast.neurons import Competing, Message, Rate, TwoCompartment

CELL = TwoCompartment(tau_mean=300.0, gain=3.0, threshold=0.5)
LONG = 3000


@pytest.fixture(scope="module")
def two_compartments():
    """Events and messages `[drives, apicals, moments]`; what comes from above steps up halfway."""
    drives, apicals = jnp.asarray([0.06, 0.12]), jnp.asarray([-0.5, 0.0, 1.0])
    step = 0.4 * (jnp.arange(LONG) >= LONG // 2)

    def one(drive, apical):
        return driven(CELL, jnp.full(LONG, drive), apical + step)

    states, cells = jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))(drives, apicals)
    return apicals, states, np.asarray(cells.activity), np.asarray(cells.message)


def test_events_tell_what_comes_from_below(two_compartments):
    *_, events, _ = two_compartments
    assert set(np.unique(events)) == {0.0, 1.0}
    np.testing.assert_array_equal(events[:, 0], events[:, -1])
    assert np.all(events[1].sum(-1) > 1.5 * events[0].sum(-1)) and events.sum(-1).min() > 20


def test_the_burst_fraction_tells_what_comes_from_above(two_compartments):
    apicals, states, *_ = two_compartments
    fraction = np.asarray(states.bursts / states.events)[..., LONG // 2 - 1]
    expected = 1 / (1 + np.exp(-3.0 * (np.asarray(apicals) - 0.5)))
    # What is left of the fraction at birth, after 5 time constants.
    np.testing.assert_allclose(fraction, np.stack([expected, expected]), atol=0.02)
    assert np.ptp(expected) > 0.5


def test_only_a_change_from_above_is_worth_a_message(two_compartments):
    _, _, events, messages = two_compartments
    before = messages[..., LONG // 2 - 200 : LONG // 2].sum(-1)
    after = messages[..., LONG // 2 : LONG // 2 + 200].sum(-1)
    count = events[..., LONG // 2 : LONG // 2 + 200].sum(-1)
    assert np.all(np.abs(before) < 0.02 * count)
    assert np.all(after > 0.05 * count)
    # The first event long after the step, before the cell is used to it, has a closed form.
    first = LONG // 2 + np.flatnonzero(events[1, 1, LONG // 2 :])[6]
    up, usual = (1 / (1 + np.exp(-3.0 * (a - 0.5))) for a in (0.4, 0.0))
    assert 0.5 * (up - usual) < messages[1, 1, first] < up - usual


def test_a_cell_of_several_states_starts_as_a_rate_cell_and_says_more():
    drives, apical = jnp.linspace(-1.0, 1.0, 9), jnp.cos(jnp.arange(9.0))
    rate = driven(Rate("tanh"), drives, apical)[1]
    same, other = (driven(Message(2, start), drives, apical)[1] for start in (0.0, 0.5))
    for name, size in (("activity", 0.5), ("message", 0.5), ("drive", 0.5)):
        expected = getattr(rate, name)
        assert float(jnp.abs(expected).max()) > size
        np.testing.assert_allclose(getattr(same, name), expected, rtol=1e-5)
    for cell in (same, other):
        assert cell.post.shape == cell.pre.shape == (9, 3)
        assert float(jnp.abs(cell.post[:, 1:]).max()) > 0.1, "its states are signals of their own"
        np.testing.assert_array_equal(cell.post[:, 1:], cell.pre[:, 1:])
    # From the second moment on, its states tell in what it says, either way.
    assert float(jnp.abs(other.activity - rate.activity)[1:].max()) > 0.01
    assert float(jnp.abs(other.message - rate.message)[1:].max()) > 0.01


def test_competing_cells_share_one_unit_of_activity():
    circuit = layered(6, (4,), 3)
    neurons = {**plain().neurons, "hidden": Competing(2.0)}
    network = PlasticNetwork(circuit, Genome(neurons, {}))

    @jax.jit
    def run():
        state, stimulus = network.born(jax.random.key(0)), jnp.linspace(-2.0, 3.0, 6)
        through = Delivering(state.weights)
        return network.hear(state.cells, stimulus, jnp.asarray(1), Easy(), None, through)

    cells = run().cells["hidden1"]
    expected = jax.nn.softmax(2.0 * cells.drive)
    np.testing.assert_allclose(cells.activity, expected, rtol=1e-5)
    assert float(jnp.ptp(expected)) > 0.1
    assert np.abs(expected - jax.nn.softmax(cells.drive)).max() > 0.01
