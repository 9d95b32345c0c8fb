"""Meta-gradients are those of finite differences, however the backward pass is stored."""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners.easy import Easy

from core.small import CASES, parts
from metaplast.objective import Objective

MOMENTS = 11
HIDDEN = {"layered": (4, 3), "associative": (4,)}
STEP = 1e-6
# Compiling for speed would take longer than running.
quick = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@pytest.fixture(scope="module", params=CASES)
def measured(request):
    """Meta-gradient of one life in float64, with and without segments, and the loss itself."""
    with jax.enable_x64(True):
        circuit, genome = CASES[request.param](HIDDEN[request.param])
        theta, fixed = parts(genome)
        # Weak types would make every nudged leaf compile anew.
        theta = jax.tree.map(lambda leaf: jnp.array(np.asarray(leaf)), theta)

        def loss(segment):
            objective = Objective(Easy(moments=MOMENTS), circuit, 2.0, segment)
            return lambda t: objective(eqx.combine(t, fixed), jax.random.key(3))[0]

        whole, halves = (quick(jax.grad(loss(segment)))(theta) for segment in (0, 3))
        yield theta, quick(loss(0)), whole, halves


def test_meta_gradient_equals_finite_differences(measured):
    theta, loss, gradient, _ = measured
    leaves, tree = jax.tree.flatten(theta)
    slopes = jax.tree.leaves(gradient)
    rng = np.random.default_rng(0)
    moved = 0
    with jax.enable_x64(True):
        for index, leaf in enumerate(leaves):
            assert leaf.dtype == jnp.float64
            direction = rng.normal(size=leaf.shape)

            def at(sign, index=index, leaf=leaf, direction=direction):
                nudged = [*leaves]
                nudged[index] = jnp.array(np.asarray(leaf) + sign * STEP * direction)
                return float(loss(jax.tree.unflatten(tree, nudged)))

            measured_slope = (at(1) - at(-1)) / (2 * STEP)
            predicted = float(np.sum(np.asarray(slopes[index]) * direction))
            np.testing.assert_allclose(predicted, measured_slope, rtol=2e-5, atol=2e-8)
            moved += abs(measured_slope) > 1e-6
    assert moved > len(leaves) / 2, "most of the genome must matter, else zero equals zero"


def test_a_gradient_of_half_the_length_is_caught(measured):
    """Negative control: along the gradient the loss rises by its squared length, not half of it."""
    theta, loss, gradient, _ = measured
    with jax.enable_x64(True):
        total = jax.tree.map(lambda t, g: t + STEP * g, theta, gradient)
        rise = (float(loss(total)) - float(loss(theta))) / STEP
    length = sum(float(np.sum(np.square(g))) for g in jax.tree.leaves(gradient))
    np.testing.assert_allclose(rise, length, rtol=1e-3)
    assert length > 1e-6 and abs(rise - 0.5 * length) > 0.1 * length


def test_checkpointed_and_plain_gradients_agree(measured):
    """A horizon of 11 moments in segments of 3: three whole ones and a shorter last."""
    _, _, whole, halves = measured
    size = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(whole))
    assert size > 1e-3
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(halves), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10 * size)
