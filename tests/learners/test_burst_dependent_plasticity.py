"""Bursts beyond those of an untaught network carry the gradient of the squared error."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners import plain
from metaplast.learners.burst_dependent_plasticity import BurstDependentPlasticity
from metaplast.learners.perceptron import Perceptron

SIZES = (6, 5, 4, 3)


def squared_error(layers, phi):
    rate = 1 / (1 + jnp.exp(-plain.readout(layers, plain.stimulus(), phi)))
    return jnp.sum((rate - jnp.eye(3)[plain.TARGET]) ** 2) / 2


def learner(phi, steepness, **options):
    return BurstDependentPlasticity(Perceptron(SIZES, phi), 1.0, steepness, **options)


def born(phi):
    state = learner(phi, 1.0).born(jax.random.key(0))
    return state._replace(layers=plain.biased(state.layers))


@pytest.mark.parametrize("phi", ["sigmoid", "softplus"])
def test_flat_dendrites_and_symmetric_feedback_give_the_negative_gradient(phi):
    with jax.enable_x64(True):
        state = born(phi)
        reference = jax.jit(jax.grad(squared_error), static_argnums=1)(state.layers, phi)

        def unfolded(steepness, **options):
            """Changes, each divided by the gain of the dendrites between it and the output."""
            _, step = plain.moved(learner(phi, steepness, **options), state)
            gains = [(steepness / 4) ** k for k in (2, 1, 0)]
            return type(step)(*([leaf / g for leaf, g in zip(p, gains, strict=True)] for p in step))

        off = [
            plain.distance(unfolded(steepness, symmetric=True), reference, -1.0)
            for steepness in (0.04, 0.02)
        ]
        assert all(np.abs(leaf).max() > 1e-3 for leaf in jax.tree.leaves(reference))
        assert off[1] < 1e-4 and off[0] / off[1] == pytest.approx(4.0, rel=0.2)
        assert plain.distance(unfolded(0.02), reference, -1.0) > 1e-3


def test_nothing_is_learned_where_the_output_is_what_was_wanted():
    class Content(plain.Easy):
        def teach(self, readout, target):
            return super().teach(readout, target)._replace(signal=jax.nn.sigmoid(readout))

    _, step = plain.moved(learner("sigmoid", 4.0), born("sigmoid"), task=Content())
    assert max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(step)) == 0.0
    _, step = plain.moved(learner("sigmoid", 4.0), born("sigmoid"))
    assert np.abs(step.weights[0]).max() > 1e-4


def test_shares_of_bursts_are_between_zero_and_one():
    rule, state = learner("softplus", 50.0), born("softplus")
    events = [jnp.full(5, 30.0), jnp.full(4, 30.0), jnp.full(3, 0.9)]
    found = rule.bursts(events, [jnp.ones(5), jnp.ones(4)], state.feedback, jnp.ones(3))
    assert all(np.all((p >= 0) & (p <= 1)) for p in found)
    assert [p.shape for p in found] == [(5,), (4,), (3,)]


def test_rates_of_events_must_be_positive():
    with pytest.raises(ValueError, match=r"nonlinearity = 'tanh'"):
        BurstDependentPlasticity(Perceptron(SIZES, "tanh"))
