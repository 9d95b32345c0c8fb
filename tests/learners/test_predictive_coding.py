"""Errors that cells settle at are those of backprop where predictions stay, or errors are small."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners import plain
from metaplast.learners.perceptron import Perceptron, transposed
from metaplast.learners.predictive_coding import PredictiveCoding

NETWORK = Perceptron((6, 5, 4, 3))


def born():
    return plain.biased(NETWORK.born(jax.random.key(0)))


def test_with_fixed_predictions_it_is_the_negative_gradient():
    with jax.enable_x64(True):
        reference = plain.gradient(born(), plain.stimulus(), plain.TARGET, "tanh")
        _, step = plain.moved(PredictiveCoding(NETWORK, 1.0, 400, True), born())
        plain.assert_equal(step, reference, sign=-1.0)
        _, step = plain.moved(PredictiveCoding(NETWORK, 1.0, 400), born())
        assert plain.distance(step, reference, -1.0) > 1e-2


def test_small_errors_are_those_of_backprop_for_what_is_left_at_the_output():
    with jax.enable_x64(True):
        layers, learner = born(), PredictiveCoding(NETWORK, 1.0, 400)
        sweep = NETWORK.sweep(layers, plain.stimulus())

        @jax.jit
        def found(truth):
            said = jax.nn.softmax(sweep.readout)
            wanted = said + truth * (jax.nn.one_hot(plain.TARGET, 3) - said)
            settled = learner.relaxed(layers, sweep, wanted)
            errors, _ = learner.unpredicted(layers, settled, sweep, wanted)
            return errors, NETWORK.backward(sweep.drives, errors[-1], transposed(layers))

        off = []
        for truth in (1.0, 1e-3, 1e-4):
            errors, reference = found(truth)
            assert np.abs(reference[0]).max() > 0.05 * truth
            off.append(plain.distance(errors, reference) / truth)
        assert off[0] > 1e-2 and off[2] < 1e-3 and off[1] / off[2] == pytest.approx(10.0, rel=0.1)


def test_an_output_of_large_variance_makes_it_the_negative_gradient():
    with jax.enable_x64(True):
        reference = plain.gradient(born(), plain.stimulus(), plain.TARGET, "tanh")
        off = []
        for variance in (1.0, 1e3, 1e4):
            learner = PredictiveCoding(NETWORK, 1.0, 400, variance=variance)
            off.append(plain.distance(plain.moved(learner, born())[1], reference, -1.0))
        assert off[0] > 1e-2 and off[2] < 1e-3 and off[1] / off[2] == pytest.approx(10.0, rel=0.1)


def test_settling_lowers_the_energy_to_a_minimum():
    with jax.enable_x64(True):
        layers, learner = born(), PredictiveCoding(NETWORK, 1.0, 600)
        sweep = NETWORK.sweep(layers, plain.stimulus())
        wanted = jax.nn.one_hot(plain.TARGET, 3, dtype=float)

        @jax.jit
        def energy(potentials):
            said = [plain.stimulus(), *(jnp.tanh(x) for x in potentials)]
            means = [w @ s + b for w, b, s in zip(*layers, said, strict=True)]
            squares = [jnp.sum((x - m) ** 2) for x, m in zip(potentials, means, strict=False)]
            return sum(squares) / 2 - wanted @ jax.nn.log_softmax(means[-1])

        settled = jax.jit(lambda *given: learner.relaxed(*given))(layers, sweep, wanted)
        assert float(energy(settled)) < float(energy(sweep.drives)) - 0.01
        slope = jax.grad(energy)(settled)
        assert max(np.abs(jax.grad(energy)(sweep.drives)[1])) > 1e-2
        assert max(float(np.abs(g).max()) for g in slope) < 1e-8


@pytest.mark.parametrize(
    ("options", "says"),
    [({"steps": 0}, "steps = 0"), ({"variance": 0.0}, "variance = 0"),
     ({"variance": float("inf")}, "variance = inf")],
)  # fmt: skip
def test_what_cannot_be_is_refused(options, says):
    with pytest.raises(ValueError, match=says):
        PredictiveCoding(NETWORK, 0.1, **options)
