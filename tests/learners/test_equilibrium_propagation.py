"""For a small nudge, the change is the exact negative gradient of the free equilibrium's error."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from learners import plain
from metaplast.audit import audit
from metaplast.audit.resolve import _taught
from metaplast.learners.equilibrium_propagation import EquilibriumPropagation
from metaplast.learners.perceptron import Perceptron

NETWORK = Perceptron((5, 4, 3, 3))
TARGET = 1


def learner(**options):
    given = {"network": NETWORK, "rate": 1.0, "free": 300, "nudged": 300, **options}
    return EquilibriumPropagation(**given)


def born():
    return plain.biased(learner().born(jax.random.key(0)))


def energy(cells, layers, x, says):
    said = [x, *(says(u) for u in cells)]
    own = sum(jnp.sum(u**2) for u in cells) / 2
    for w, b, below, above in zip(*layers, said[:-1], said[1:], strict=True):
        own = own - above @ (w @ below + b)
    return own


def implicit_gradient(layers, x, cells, says=jnp.tanh):
    """Of the squared error of the equilibrium, by the implicit function theorem."""
    flat, cells_again = ravel_pytree(cells)
    weights, layers_again = ravel_pytree(layers)

    def slope(u, theta):
        return jax.grad(lambda u: energy(cells_again(u), layers_again(theta), x, says))(u)

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
        distances = {
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
        assert distances[False][0] / distances[False][1] == pytest.approx(2.0, rel=0.1)
        assert distances[True][0] / distances[True][1] == pytest.approx(4.0, rel=0.1)
        assert distances[True][1] < distances[False][1]


def off(layers, reference, **options):
    """Relative error of the change."""
    step = plain.moved(learner(**options), layers, TARGET)[1]
    size = np.linalg.norm(ravel_pytree(reference)[0])
    assert size > 0.1
    return np.linalg.norm(ravel_pytree(step)[0] + ravel_pytree(reference)[0]) / size


@pytest.mark.parametrize("nonlinearity", ["tanh", "sigmoid"])
def test_is_the_gradient_at_a_large_nudge_that_goes_round_a_circle(nonlinearity):
    with jax.enable_x64(True):
        network = Perceptron(NETWORK.sizes, nonlinearity)
        settling = EquilibriumPropagation(network, 1.0, free=300, nudged=300)
        layers, x = born(), plain.stimulus(5)
        cells = jax.jit(lambda *given: settling.settled(*given))(layers, x)
        says = network.says
        reference = implicit_gradient(layers, x, cells, says)

        def error(**options):
            return off(layers, reference, network=network, **options)

        # Negative control: from one or both sides, the same nudge is far off.
        assert error(nudge=0.5, points=48) < 1e-4
        assert error(nudge=0.5, centered=False) > 0.05
        assert error(nudge=0.5) > 1e-3
        # Two points are centered nudging.
        assert error(nudge=0.5, points=2) == pytest.approx(error(nudge=0.5), rel=1e-9)
        # The error is of the order of the number of points.
        for points in (3, 4):
            large, small = (error(nudge=b, points=points) for b in (0.04, 0.02))
            assert large / small == pytest.approx(2.0**points, rel=0.15)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"points": 1}, "points = 1"),
        ({"points": 4, "hard": True}, "hard = True"),
        ({"points": 4, "network": Perceptron((5, 3), "relu")}, "nonlinearity = 'relu'"),
    ],
)
def test_a_circle_needs_points_and_a_holomorphic_nonlinearity(options, match):
    with pytest.raises(ValueError, match=match):
        learner(**options)


def test_the_audit_says_of_a_circle_what_it_says_without():
    def verdicts(points):
        subject = _taught(functools.partial(EquilibriumPropagation, points=points))("settling")
        return {verdict.constraint: verdict.status for verdict in audit(subject).verdicts}

    without = verdicts(0)
    assert verdicts(4) == without
    assert without["no_weight_transport"] == "violated" and len(set(without.values())) == 3


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
