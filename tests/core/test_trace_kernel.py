"""The family of trace kernels holds the classic spiking rules as points, and can be searched."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.one_cell import between, driven
from metaplast.neurons import LIF, Rate, Traced
from metaplast.rules import EProp, PairSTDP, RewardSTDP, TraceKernel

TAU_PLUS, TAU_MINUS, RATE, RATIO = 16.8, 33.7, 0.01, 1.2
MOMENTS = 300
WINDOWS = {"pre": (0.7, 0.3), "post": (-RATIO, 0.0), "tau_pre": (TAU_PLUS, TAU_PLUS),
           "tau_post": (TAU_MINUS, 50.0)}  # fmt: skip
SPIKES = Traced(Rate("linear"), tau=TAU_PLUS, tau_plus=TAU_PLUS, tau_minus=TAU_MINUS)
MEMBRANE = Traced(LIF(12.0), tau=12.0)
POINTS = {
    "pairs": (SPIKES, PairSTDP(RATE, RATIO), TraceKernel(RATE, **WINDOWS)),
    "rewarded pairs": (
        SPIKES,
        RewardSTDP(RATE, 40.0, 1.0, RATIO),
        TraceKernel(RATE, **WINDOWS, third=(1.0, 0.0, -1.0), tau=40.0),
    ),
    "e-prop": (
        MEMBRANE,
        EProp(RATE, 12.0, 25.0),
        TraceKernel(RATE, (1.0,), (0.0,), (12.0,), (20.0,), (0.0, 1.0), (0.0, 1.0, 0.0), 25.0),
    ),
}
"""A cell, a rule, and the point of the family that must be that rule."""


def experience():
    rng = np.random.default_rng(1)
    spikes = (rng.random((2, MOMENTS)) < 0.1).astype(np.float32)
    return spikes, rng.normal(size=MOMENTS).astype(np.float32), rng.normal(size=(MOMENTS, 1))


@pytest.mark.parametrize("name", POINTS)
def test_a_classic_rule_is_a_point_of_it(name):
    cell, rule, point = POINTS[name]
    spikes, apical, modulators = experience()

    @jax.jit
    def both(spikes):
        pre = driven(SPIKES, spikes[0])[1]
        post = driven(cell, 3.0 * spikes[1] + 0.2 * spikes[0], apical)[1]
        told = jnp.asarray(modulators, jnp.float32)
        return [between(each, pre, post, told) for each in (rule, point, moved(point))]

    known, found, other = (np.asarray(weights) for weights in both(jnp.asarray(spikes)))
    assert np.abs(known).max() > 5e-3
    np.testing.assert_allclose(found, known, rtol=1e-3, atol=1e-6)
    assert np.abs(other - known).max() > 1e-3, "another time constant is another rule"


def moved(point: TraceKernel) -> TraceKernel:
    slower = jax.tree.map(lambda log: log + 0.7, point.tau_pre)
    return eqx.tree_at(lambda rule: rule.tau_pre, point, slower)


def test_every_number_moves_the_weight():
    """So a search can find all of them, the time constants too."""
    point = TraceKernel(0.1, (1.0, 0.4), (-0.7, 0.2), (10.0, 60.0), (20.0, 90.0),
                        (1.0, 0.3), (0.2, 0.5, 0.3), 30.0)  # fmt: skip
    spikes, apical, modulators = experience()

    @jax.jit
    @jax.grad
    def gradient(rule):
        pre, post = driven(SPIKES, spikes[0])[1], driven(MEMBRANE, 3.0 * spikes[1], apical)[1]
        return between(rule, pre, post, jnp.asarray(modulators, jnp.float32))[-1]

    leaves = [np.abs(np.asarray(leaf)) for leaf in jax.tree.leaves(gradient(point))]
    assert len(leaves) == 10 and all(leaf.min() > 1e-6 for leaf in leaves)


def test_as_many_weights_as_time_constants():
    with pytest.raises(ValueError, match="pre = "):
        TraceKernel(pre=(1.0,))
