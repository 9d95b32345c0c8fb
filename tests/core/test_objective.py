"""How an objective judges an answer."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from learners.easy import Easy

from metaplast.objective import _Sharpened

READOUT, TARGET = jnp.asarray([0.2, 1.0, -0.4]), jnp.asarray(1)


def test_a_relative_answer_is_judged_by_its_shape_alone():
    judged = _Sharpened(Easy(), 1.5, True)
    loss = float(judged.loss(READOUT, TARGET))
    assert 0.01 < loss < 1.0
    np.testing.assert_allclose(judged.loss(3.0 * READOUT + 5.0, TARGET), loss, rtol=1e-3)
    other = float(judged.loss(READOUT[jnp.asarray([1, 0, 2])], TARGET))
    assert other > loss + 0.5


def test_an_absolute_one_is_not():
    """Negative control."""
    judged = _Sharpened(Easy(), 1.5, False)
    loss = float(judged.loss(READOUT, TARGET))
    assert abs(float(judged.loss(3.0 * READOUT, TARGET)) - loss) > 0.1


def test_no_answer_costs_what_a_flat_one_does():
    judged = _Sharpened(Easy(), 1.5, True)
    np.testing.assert_allclose(judged.loss(jnp.zeros(3), TARGET), np.log(3.0), rtol=1e-5)
