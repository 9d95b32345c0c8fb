"""Lives whose changes wait for the next delivery are those whose changes do not."""

from __future__ import annotations

from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core import test_fast_weights as moments
from core.gradients import assert_same
from core.small import parts, plain
from core.test_one_pass import INTERPRETED, kernels
from metaplast import deferred, fast_weights, kernel, lifetime, one_pass
from metaplast.circuits import layered, stacks
from metaplast.deferred import Deferred
from metaplast.lifetime import live
from metaplast.lives import lives_of
from metaplast.network import PlasticNetwork
from metaplast.objective import Objective


def waiting(segment: int | None, passing):
    def life(*given):
        return fast_weights.scan(moments.step, *given, segment, Deferred(passing))

    return life


@pytest.mark.parametrize("segment", [4, moments.MOMENTS, None])
def test_derivatives_equal_those_of_stored_weights(segment):
    """Two deliveries of one projection, forth and back, in every moment."""
    with jax.enable_x64(True):
        given = moments.parts()
        ours = moments.gradient(waiting(segment, one_pass.plain), given)
        true = moments.gradient(moments.stored, given)
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(true), strict=True):
            assert float(jnp.abs(b).max()) > 1e-2
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_derivatives_through_the_kernel():
    given = moments.parts(dtype=jnp.float32)
    ours = moments.gradient(waiting(4, INTERPRETED), given)
    true = moments.gradient(moments.stored, given)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(true), strict=True):
        size = float(jnp.abs(b).max())
        assert size > 1e-2
        np.testing.assert_allclose(a, b, atol=1e-5 * size)


def test_a_change_that_is_never_made_is_told():
    """Negative control: weights that forget what waits for them have another life."""
    given = moments.parts(dtype=jnp.float32)
    true = moments.stored(*given)[0][1]["w"]

    def forgetful(weight, keep, post, pre, right, left):
        return one_pass.plain(weight, keep, 0.0 * post, pre, right, left)

    ours = waiting(4, forgetful)(*given)[0][1]["w"]
    assert float(jnp.abs(ours - true).max()) > 1e-2


def by_name():
    return layered(5, (4, 3), 3), plain()


def as_a_loop():
    """Four of the five layers are alike; the feedback borrows weights that change."""
    return layered(5, (4,) * 5, 3, "symmetric"), plain()


def gradient(circuit, genome, segment: int):
    """Loss and meta-gradient of one life."""
    theta, fixed = parts(genome)
    objective = Objective(Easy(inputs=5, moments=6), circuit, 2.0, segment)

    def loss(theta):
        return objective(eqx.combine(theta, fixed), jax.random.key(3))[0]

    return jax.jit(jax.value_and_grad(loss))(theta)


@pytest.mark.parametrize(
    "case, segment", [(by_name, 0), (by_name, 6), (by_name, 4), (as_a_loop, 4)]
)
def test_a_meta_gradient_does_not_depend_on_when_changes_are_made(case, segment, monkeypatch):
    with jax.enable_x64(True), mock.patch.object(stacks, "LEAST", 4):
        true = gradient(*case(), segment)
        monkeypatch.setenv(kernel.SWITCH, kernel.PALLAS)
        with mock.patch.object(lifetime, "Deferred", side_effect=Deferred) as asked:
            ours = gradient(*case(), segment)
        assert asked.called == (segment > 0)
    assert_same(ours, true)


def test_lives_that_are_stored_whole_have_forward_derivatives_also_where_changes_wait(monkeypatch):
    circuit, genome = by_name()
    theta, fixed = parts(genome)

    def slope(segment):
        lives = lives_of(Objective(Easy(inputs=5, moments=6), circuit, 2.0, segment), fixed)
        ahead = lambda theta: lives(theta, jax.random.key(3))[0]  # noqa: E731
        return float(jax.jvp(ahead, (theta,), (jax.tree.map(jnp.ones_like, theta),))[1])

    true = slope(0)
    assert abs(true) > 1e-3
    monkeypatch.setenv(kernel.SWITCH, kernel.PALLAS)
    np.testing.assert_allclose(slope(0), true, rtol=1e-5)
    with pytest.raises(TypeError, match="forward-mode"):  # the control
        slope(None)


def life():
    network, task = PlasticNetwork(*by_name()), Easy(inputs=5, moments=6)
    return jax.jit(lambda key: live(network, task, task.sample(key), key))(jax.random.key(1))


def test_a_life_through_the_kernel(monkeypatch):
    true, state = life()
    monkeypatch.setenv(kernel.SWITCH, kernel.PALLAS)
    with mock.patch.object(lifetime, "Deferred", lambda: Deferred(INTERPRETED)):
        ours, after = life()
    assert float(jnp.abs(true.loss).min()) > 1e-3
    np.testing.assert_allclose(ours.loss, true.loss, rtol=1e-5)
    for name, weight in state.weights.items():
        assert float(jnp.abs(weight).max()) > 1e-2
        np.testing.assert_allclose(after.weights[name], weight, atol=1e-5)


def test_nothing_waits_unless_asked_for(monkeypatch):
    monkeypatch.delenv(kernel.SWITCH, raising=False)
    with mock.patch.object(deferred.Deferred, "begin", side_effect=AssertionError("it waits")):
        life()
        monkeypatch.setenv(kernel.SWITCH, kernel.PALLAS)
        with pytest.raises(AssertionError, match="it waits"):
            life()


@pytest.mark.parametrize("segment", [None, 3])
def test_a_life_on_a_gpu_calls_the_kernel_once_for_every_projection(segment, monkeypatch):
    """Lowered for CUDA, which needs no GPU: three plastic projections."""
    monkeypatch.setenv(kernel.SWITCH, kernel.PALLAS)
    network, task = PlasticNetwork(*by_name()), Easy(inputs=5, moments=6)

    def one(key):
        return live(network, task, task.sample(key), key, segment)[0].loss

    assert kernels(one, [jax.random.key(1)], "cuda") == len(network.plastic) == 3
    assert kernels(one, [jax.random.key(1)], "cpu") == 0
    monkeypatch.setenv(kernel.SWITCH, kernel.PLAIN)
    assert kernels(jax.tree_util.Partial(one), [jax.random.key(1)], "cuda") == 0
