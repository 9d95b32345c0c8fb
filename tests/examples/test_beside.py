"""Rivals are tuned until their best rate lies inside the grid."""

from __future__ import annotations

import numpy as np
import pytest

EXAMPLE = "beside"


@pytest.mark.parametrize(
    ("wanted", "tried"),
    [
        (0.03, {0.01, 0.03, 0.1}),
        (0.001, {0.0003, 0.001, 0.003, 0.01, 0.03, 0.1}),
        (1.0, {0.01, 0.03, 0.1, 0.3, 1.0, 3.0}),
    ],
)
def test_a_grid_grows_until_the_best_rate_is_inside(example, monkeypatch, wanted, tried):
    lived = []

    def lives(rate, task, count, seed):
        lived.append(float(rate))
        held_out = -abs(np.log(float(rate) / wanted)) * np.ones(count)
        return 1 - held_out, held_out

    monkeypatch.setattr(example, "lives", lives)
    _, held_out, best = example.tuned(lambda rate: rate, (0.01, 0.03, 0.1), None, 3, 0)
    assert abs(np.log(best / wanted)) < 0.3 and held_out.shape == (3,)
    assert len(lived) == len(tried) and len(set(lived)) == len(lived), "nothing lives twice"
    np.testing.assert_allclose(sorted(np.log10(lived)), sorted(np.log10(list(tried))), atol=0.2)


def test_a_grid_without_an_end_grows_so_often_only(example, monkeypatch):
    def lives(rate, task, count, seed):
        return np.full(count, float(rate)), np.full(count, float(rate))

    monkeypatch.setattr(example, "lives", lives)
    *_, best = example.tuned(lambda rate: rate, (0.1, 1.0), None, 2, 0)
    assert best == pytest.approx(10.0**example.GROWN)
    *_, only = example.tuned(lambda rate: rate, (0.1,), None, 2, 0)
    assert only == 0.1
