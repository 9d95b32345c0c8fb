"""Spikes are 0 or 1, whatever a derivative sees."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.neurons import LIF
from metaplast.neurons.surrogate import SURROGATES, spike

BY_HAND = {
    "fast_sigmoid": lambda v, w: w**2 / (w + np.abs(v)) ** 2,
    "triangle": lambda v, w: np.clip(0.3 * (w - np.abs(v)) / w, 0, None),
    "arctan": lambda v, w: w / np.pi / (w**2 + v**2),
}
WIDTH = 0.4
V = np.linspace(-2.0, 2.0, 41)


def test_there_is_a_formula_for_each():
    assert set(BY_HAND) == set(SURROGATES)


@pytest.mark.parametrize("name", SURROGATES)
def test_forward_is_a_step_and_backward_is_the_named_function(name):
    v = jnp.asarray(V)
    seen, slopes = jax.vmap(jax.value_and_grad(lambda x: spike(x, name, WIDTH)))(v)
    np.testing.assert_array_equal(seen, v >= 0)
    assert 0 < float(seen.mean()) < 1
    expected = BY_HAND[name](np.asarray(v), WIDTH)
    assert expected.max() > 0.2
    np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-7)
    for other in set(SURROGATES) - {name}:
        assert np.abs(BY_HAND[other](V, WIDTH) - expected).max() > 0.05, other


def test_heights_and_areas_are_those_of_the_papers():
    fine = np.linspace(-400, 400, 400_001)
    assert SURROGATES["fast_sigmoid"](0.0, WIDTH) == 1.0
    assert SURROGATES["triangle"](0.0, WIDTH) == 0.3
    area = np.trapezoid(np.asarray(SURROGATES["arctan"](fine, WIDTH)), fine)
    assert area == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("bad", [{"surrogate": "sigmoid"}, {"width": 0.0}, {"refractory": -1.0}])
def test_a_cell_refuses_what_there_is_not(bad):
    (name,) = bad
    with pytest.raises((ValueError, TypeError), match=name):
        LIF(**bad)
