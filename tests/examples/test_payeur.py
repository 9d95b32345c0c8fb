"""Hidden cells learn only where bursts come back."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

EXAMPLE = "payeur_2021"
SIZES = (2, 3, 2)


@pytest.mark.parametrize(
    ("name", "learns"), [("random feedback", True), ("nothing comes back", False)]
)
def test_hidden_cells_learn_where_bursts_come_back(example, name, learns):
    make, _ = example.ROWS[f"bursts, {name}"]
    learner = make(SIZES, 1.0)
    before = learner.born(jax.random.key(0))
    seen = jnp.asarray(example.INPUTS[3]), jnp.asarray(example.WANTED[3]), example.TEACHER
    after, _ = learner.moment(before, *seen, jax.random.key(1))
    hidden, output = (
        np.abs(now - old).max()
        for now, old in zip(after.layers.weights, before.layers.weights, strict=True)
    )
    assert output > 1e-3
    assert hidden > 1e-4 if learns else hidden == 0.0


def test_four_patterns_are_asked(example):
    """Backprop that does not learn names two or three of them; one that does names all."""
    make, _ = example.ROWS["backprop, logistic cells"]
    keys = jax.random.split(jax.random.key(0), 8)
    shares = [np.mean(example.solved(make, 8, rate, 2000, keys)) for rate in (0.0, 0.3)]
    assert shares[0] == 0.0 and shares[1] > 0.8


@pytest.mark.parametrize("option", ["--hidden=0", "--moments=0", "--rates=0"])
def test_a_bad_option_is_one_line_and_code_2(example, option, refused):
    assert option.replace("=", " ") in refused(example, option)
