"""For a small nudge, the change is the exact negative gradient of the free equilibrium's error."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from learners import plain
from metaplast.learners.equilibrium_propagation import EquilibriumPropagation
from metaplast.learners.perceptron import Perceptron

NETWORK = Perceptron((5, 4, 3, 3))
TARGET = 1


def learner(**options):
    return EquilibriumPropagation(NETWORK, 1.0, **{"free": 300, "nudged": 300, **options})


def born():
    return plain.biased(learner().born(jax.random.key(0)))


def energy(cells, layers, x):
    said = [x, *(jnp.tanh(u) for u in cells)]
    own = sum(jnp.sum(u**2) for u in cells) / 2
    for w, b, below, above in zip(*layers, said[:-1], said[1:], strict=True):
        own = own - above @ (w @ below + b)
    return own


def implicit_gradient(layers, x, cells):
    """Of the squared error of the equilibrium, by the implicit function theorem."""
    flat, cells_again = ravel_pytree(cells)
    weights, layers_again = ravel_pytree(layers)

    def slope(u, theta):
        return jax.grad(lambda u: energy(cells_again(u), layers_again(theta), x))(u)

    def error(u):
        return jnp.sum((jax.nn.one_hot(TARGET, 3, dtype=float) - cells_again(u)[-1]) ** 2) / 2

    stiff, moved = jax.jacobian(slope, (0, 1))(flat, weights)
    assert np.abs(slope(flat, weights)).max() < 1e-10
    return layers_again(-jnp.linalg.solve(stiff, jax.grad(error)(flat)) @ moved)


def test_is_the_negative_gradient_for_a_small_nudge():
    with jax.enable_x64(True):
        layers, x = born(), plain.stimulus(5)
        cells = jax.jit(lambda *given: learner().settled(*given))(layers, x)
        reference = implicit_gradient(layers, x, cells)
        _, step = plain.moved(learner(nudge=1e-4), layers, TARGET)
        plain.assert_equal(step, reference, 1e-7, sign=-1.0)
        # The error of the gradient: of first order in the nudge, and of second where centered.
        off = {
            centered: [
                plain.distance(
                    plain.moved(learner(nudge=b, centered=centered), layers, TARGET)[1],
                    reference,
                    -1.0,
                )
                for b in (0.02, 0.01)
            ]
            for centered in (False, True)
        }
        assert off[False][0] / off[False][1] == pytest.approx(2.0, rel=0.1)
        assert off[True][0] / off[True][1] == pytest.approx(4.0, rel=0.1)
        assert off[True][1] < off[False][1]


def test_hard_cells_stay_between_zero_and_one():
    hard = EquilibriumPropagation(NETWORK, 0.5, hard=True)
    layers, x = born(), 3 * plain.stimulus(5)
    cells = jax.jit(lambda *given: hard.settled(*given))(layers, x)
    assert all(np.all((u >= 0) & (u <= 1)) for u in cells)
    assert np.any(np.concatenate(cells) > 0)
    _, step = plain.moved(hard, layers, TARGET)
    assert np.abs(step.weights[-1]).max() > 1e-3


def test_nothing_is_learned_where_nothing_is_wanted():
    class Content(plain.Easy):
        def teach(self, readout, target):
            return super().teach(readout, target)._replace(signal=readout)

    with jax.enable_x64(True):
        _, step = plain.moved(learner(), born(), TARGET, Content())
        assert max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(step)) < 1e-10


def test_steps_must_be_positive():
    with pytest.raises(ValueError, match="nudged = 0"):
        EquilibriumPropagation(NETWORK, nudged=0)
