"""Recursive least squares equals ridge regression."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from learners.easy import Easy
from metaplast.learners.recursive_least_squares import RecursiveLeastSquares
from metaplast.lifetime import live


@pytest.mark.parametrize(("ridge", "bias"), [(0.1, 1.0), (3.0, 1.0), (3.0, 0.0)])
def test_equals_ridge_regression(ridge, bias):
    task = Easy(moments=40)
    with jax.enable_x64(True):
        episode = jax.tree.map(
            lambda a: a.astype("float64") if a.dtype == "float32" else a,
            task.sample(jax.random.key(0)),
        )
        learner = RecursiveLeastSquares(task.inputs, task.classes, ridge, bias)
        _, state = live(learner, task, episode, jax.random.key(1))
        found = np.asarray(state.weights)
    assert found.dtype == np.float64
    x = np.column_stack([np.asarray(episode.stimuli), np.full(40, bias)])
    y = np.eye(task.classes)[np.asarray(episode.targets)]
    reference = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y).T
    assert np.abs(reference).max() > 0.1
    np.testing.assert_allclose(found, reference, atol=1e-10)
    other = np.linalg.solve(x.T @ x + 2 * ridge * np.eye(x.shape[1]), x.T @ y).T
    assert np.abs(found - other).max() > 1e-4
