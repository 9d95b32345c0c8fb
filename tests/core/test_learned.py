"""The learned cell: where it begins, and where its learning comes to rest."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.neurons import Learned, Output
from metaplast.neurons.learned import signals_offered

GIVEN = jnp.asarray([0.9, -0.4, 0.2])


def replied(cell: Learned, given, wanted):
    """What cells offer that gave one thing while another was wanted of them."""

    def one(given, wanted):
        state = cell.init(jnp.zeros(()), jnp.asarray(1 / 3))
        state, said = cell.fire(state, given, None)
        pool, modulator = jnp.zeros(4), jnp.zeros(1)
        # Between the two the cell corrects what it gives; here that is `given`.
        return cell.reply(state, said, wanted, pool, modulator)

    return jax.vmap(one)(given, wanted)


@pytest.mark.parametrize("anchored", [True, False])
def test_an_anchored_cell_rests_where_it_gives_what_is_wanted(anchored):
    """The cell that is free does not: the control."""
    cell = Learned(Output("linear", 0.02), start=2.0, seed=1, anchored=anchored)
    state, said = replied(cell, GIVEN, GIVEN)
    assert float(jnp.abs(state.inner.excitability).max()) == 0.0
    moves = max(float(jnp.abs(said.message).max()), float(jnp.abs(said.post).max()))
    assert (moves == 0.0) if anchored else (moves > 0.05)


def test_an_anchored_cell_scales_the_error_and_nothing_else():
    cell = Learned(Output("linear"), start=2.0, seed=1, anchored=True)
    wanted = GIVEN + jnp.asarray([0.5, -0.25, 0.125])
    factors = np.asarray(replied(cell, GIVEN, wanted)[1].message / (wanted - GIVEN))
    assert np.ptp(factors) > 0.05, "decisions differ from cell to cell"
    assert np.all((factors > np.exp(-1)) & (factors < np.exp(1)))


def test_an_anchored_cell_decides_one_thing_less():
    free, anchored = Learned(Output()), Learned(Output(), anchored=True)
    assert free.backward.offset.shape == (3 + sum(signals_offered(Output())),)
    assert anchored.backward.offset.shape == (2 + sum(signals_offered(Output())),)


def test_excitability_that_leaks_comes_to_rest():
    """Whatever error remains: at rate * error / leak. Without a leak it grows with every moment."""

    def after(leak: float, moments: int = 400) -> float:
        cell = Output("linear", rate=0.02, leak=leak)
        state = cell.init(jnp.zeros(()), jnp.ones(()))
        said = cell.fire(state, jnp.zeros(()), None)[1]  # an error of 1, at every moment
        for _ in range(moments):
            state, _ = cell.reply(state, said, jnp.ones(()), jnp.zeros(4), jnp.zeros(1))
        return float(state.excitability)

    assert after(0.05) == pytest.approx(0.02 / 0.05, rel=1e-4)
    assert after(0.0) == pytest.approx(0.02 * 400, rel=1e-4)
