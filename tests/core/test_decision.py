"""The derivative of decisions for all cells at once is JAX's own."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast.neurons.decision import Decision, decided, decided_together
from metaplast.reverse import backward_only, only_backward

CELLS, FEATURES, DECISIONS = 7, 5, 3


def given():
    """What a few cells know, and what their decisions are good for."""
    known, worth = (jax.random.key(seed) for seed in range(2))
    return jax.random.normal(known, (CELLS, FEATURES)), jax.random.normal(worth, (CELLS, DECISIONS))


def parameters():
    made = Decision(FEATURES, DECISIONS, 4, 1.0, seed=3)
    bias = jnp.linspace(-0.5, 0.5, 4)
    return made.hidden, bias, made.out, jnp.asarray([0.1, -0.2, 0.3])


def gradients(function, parameters, known, worth):
    def total(parameters, known):
        return jnp.sum(worth * jnp.tanh(jax.vmap(function, (None, 0))(parameters, known)))

    return jax.grad(total, (0, 1))(parameters, known)


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64(True):
        yield


def assert_alike(found, true, within=1e-12):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(true), strict=True):
        assert a.shape == b.shape and float(jnp.abs(b).max()) > 1e-2
        np.testing.assert_allclose(a, b, atol=within * float(jnp.abs(b).max()))


def test_cells_together_decide_what_each_decides():
    known, _ = given()
    found = jax.vmap(decided_together, (None, 0))(parameters(), known)
    assert_alike(found, jax.vmap(decided, (None, 0))(parameters(), known))
    assert_alike(decided_together(parameters(), known[0]), decided(parameters(), known[0]))


def test_the_derivative_is_jaxs():
    """Of all four parameters, and of what cells know; of other cells it is another one."""
    known, worth = given()
    found = gradients(decided_together, parameters(), known, worth)
    assert_alike(found, gradients(decided, parameters(), known, worth))
    others = gradients(decided, parameters(), known[::-1], worth)
    for a, b in zip(jax.tree.leaves(found[0]), jax.tree.leaves(others[0]), strict=True):
        assert float(jnp.abs(a - b).max()) > 1e-2, "the control"


def test_the_derivative_is_jaxs_for_every_life_and_every_genome():
    """Mapped over lives, which share a genome but have a gradient each, and over genomes."""
    known, worth = given()
    lives = (jnp.stack([known, 2 * known]), jnp.stack([worth, worth[::-1]]))
    genomes = jax.tree.map(lambda leaf: jnp.stack([leaf, -0.5 * leaf]), parameters())
    for arguments, axes in (((parameters(), *lives), (None, 0, 0)), ((genomes, *lives), 0)):
        found, true = (
            jax.vmap(lambda *a, f=f: gradients(f, *a), axes)(*arguments)
            for f in (decided_together, decided)
        )
        assert_alike(found, true)


def test_cells_with_networks_of_their_own():
    """Nothing is shared there, and nothing is won; it is right nonetheless."""
    known, _ = given()
    own = jax.tree.map(lambda leaf: leaf * jnp.ones((CELLS, *leaf.shape)), parameters())
    found = jax.vmap(decided_together)(own, known)
    assert_alike(found, jax.vmap(decided, (None, 0))(parameters(), known))


def test_forward_mode_is_refused_only_where_backward_was_promised():
    known, _ = given()
    decision = Decision(FEATURES, DECISIONS, 4, 1.0, seed=3)

    def decide(known):
        return jax.vmap(decision)(known)

    slope = jax.jvp(decide, (known,), (jnp.ones_like(known),))[1]
    assert float(jnp.abs(slope).max()) > 1e-2
    assert not only_backward()
    with backward_only(), pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(decide, (known,), (jnp.ones_like(known),))
    assert not only_backward()
