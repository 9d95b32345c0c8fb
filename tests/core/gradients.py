"""Two meta-gradients that have to be the same."""

from __future__ import annotations

import jax
import numpy as np


def assert_leaves_same(found, true, least: float, rtol: float, atol: float = 0.0) -> None:
    """Every leaf, of which none of the true ones may be zero.

    Args:
        found, true: trees of arrays.
        least: what the largest number of every true leaf exceeds.
        rtol, atol: as `numpy.testing.assert_allclose` takes them.
    """
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(true), strict=True):
        assert float(np.abs(b).max()) > least
        np.testing.assert_allclose(a, b, rtol, atol)


def assert_same(found, true) -> None:
    """Loss and gradient, both in float64, and the true ones not zero.

    Args:
        found, true: `(loss, gradient)` each.
    """
    (loss, gradient), (true_loss, true_gradient) = found, true
    size = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(true_gradient))
    assert size > 1e-4 and float(true_loss) > 0.1
    np.testing.assert_allclose(loss, true_loss, rtol=1e-9)
    for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(true_gradient), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-8 * size)
