"""A life that explodes is an outcome, and nobody else's business."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core.small import plain
from metaplast.circuits import layered
from metaplast.lifetime import live
from metaplast.meta.descent import mean_of_survivors
from metaplast.network import PlasticNetwork
from metaplast.neurons import Output

TASK = Easy(moments=20)
RATES = jnp.asarray([0.05, 1e6, 0.1])


@pytest.fixture(scope="module")
def lives():
    """Three lives under one vmap, the second at an absurd rate, and their gradients."""
    circuit = layered(6, (5, 4), 3)

    def loss(log_rate, key):
        genome = plain(1.0, "relu", Output("linear"))
        genome = eqx.tree_at(
            lambda g: (g.rules["forward"].rate.log, g.rules["readout"].rate.log),
            genome,
            (log_rate, log_rate),
        )
        life, _ = live(PlasticNetwork(circuit, genome), TASK, TASK.sample(key), key)
        return jnp.mean(life.loss), life

    keys = jax.random.split(jax.random.key(0), 3)
    both = jax.jit(jax.vmap(jax.value_and_grad(loss, has_aux=True)))
    (losses, life), gradients = both(jnp.log(RATES), keys)
    return losses, life, gradients


def test_the_life_says_so(lives):
    _, life, _ = lives
    np.testing.assert_array_equal(life.exploded, [False, True, False])
    died = np.asarray(life.died_at)
    assert 0 < died[1] < TASK.moments
    assert died[0] == died[2] == TASK.moments
    assert not np.asarray(life.correct)[1, died[1] :].any()


def test_what_is_reported_stays_finite(lives):
    losses, life, _ = lives
    assert np.isfinite(losses).all()
    assert np.isfinite(life.loss).all()
    np.testing.assert_allclose(np.asarray(life.loss)[1, -1], np.log(3), rtol=1e-6)
    assert np.isfinite(life.accuracy).all()


def test_the_gradient_of_the_others_is_undisturbed(lives):
    losses, _, gradients = lives
    gradients = np.asarray(gradients)
    assert not np.isfinite(gradients[1]), "the casualty's own gradient is useless"
    assert np.isfinite(gradients[[0, 2]]).all()
    assert np.abs(gradients[[0, 2]]).min() > 1e-4
    mean, score, lost = mean_of_survivors({"g": jnp.asarray(gradients)}, losses, 1e9)
    np.testing.assert_allclose(mean["g"], gradients[[0, 2]].mean(), rtol=1e-6)
    np.testing.assert_allclose(score, np.asarray(losses)[[0, 2]].mean(), rtol=1e-6)
    np.testing.assert_allclose(lost, 1 / 3, rtol=1e-6)


def test_a_plain_mean_is_disturbed(lives):
    """Negative control."""
    assert not np.isfinite(jnp.mean(lives[2]))


def test_a_long_gradient_is_shortened_and_a_short_one_kept():
    gradients = {"a": jnp.asarray([[3.0, 4.0], [0.3, 0.4]])}
    mean, _, lost = mean_of_survivors(gradients, jnp.zeros(2), 1.0)
    np.testing.assert_allclose(mean["a"], [(0.6 + 0.3) / 2, (0.8 + 0.4) / 2], rtol=1e-6)
    assert float(lost) == 0
    nothing, _, lost = mean_of_survivors({"a": jnp.full((2, 2), jnp.nan)}, jnp.zeros(2), 1.0)
    np.testing.assert_array_equal(nothing["a"], [0.0, 0.0])
    assert float(lost) == 1
