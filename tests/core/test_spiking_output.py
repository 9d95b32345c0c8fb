"""Errors that are told in spikes, and what cells without signed input make of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.one_cell import driven
from metaplast.neurons import LIF, Habituated, Homeostatic, Rate, SpikingOutput, Traced

STEPS = 200


@pytest.mark.parametrize("wanted", [0.0, 1.0])
def test_the_pace_of_spikes_tells_the_error(wanted):
    given = 0.3
    # The only cell of its population is born as active as can be.
    drive = np.log(given / (1.0 - given)) + np.log(1e-3)
    _, cells = driven(SpikingOutput(), jnp.full(STEPS, drive), jnp.full(STEPS, wanted))
    error = wanted - given
    np.testing.assert_allclose(cells.post[:, 0], error, atol=1e-5)
    assert set(np.unique(cells.message)) <= {0.0, 1.0}
    assert abs(float(cells.message.sum()) - STEPS * (1.0 + error) / 2) <= 2.0


def test_what_differs_from_habit_is_passed_on():
    apical = jnp.where(jnp.arange(4 * STEPS) < 3 * STEPS, 0.5, 0.8)
    drives = jnp.full(4 * STEPS, 0.3)
    cell = Habituated(Traced(Rate("linear"), 10.0), tau=5.0, tau_slow=100.0)
    _, cells = driven(cell, drives, apical)
    _, plain = driven(Traced(Rate("linear"), 10.0), drives, apical)
    used, now = cells.message[3 * STEPS - 1], cells.message[3 * STEPS + 20]
    assert abs(float(used)) < 0.01 * float(plain.message[3 * STEPS - 1])
    assert 0.2 < float(now) < 0.3
    assert abs(float(cells.pre[-1, 0])) < 0.01 * float(plain.pre[-1, 0])
    np.testing.assert_array_equal(cells.pre[:, 3:], plain.pre[:, 3:])


def test_a_cell_finds_its_rate_whatever_drives_it():
    drives = jax.random.uniform(jax.random.key(0), (10 * STEPS,))
    rates = {}
    for gain in (0.05, 1.5):
        for name, cell in (("kept", Homeostatic(LIF(10.0), 0.2, 0.01)), ("plain", LIF(10.0))):
            rates[name, gain] = float(driven(cell, gain * drives)[1].activity[-1000:].mean())
    assert abs(rates["kept", 0.05] - 0.2) < 0.02 and abs(rates["kept", 1.5] - 0.2) < 0.02
    assert rates["plain", 0.05] < 0.05 and rates["plain", 1.5] > 0.5
