"""The perceptron that rules teach: its sweep, its slopes, and the errors that travel back."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners import plain
from metaplast.learners.backprop import Backprop
from metaplast.learners.perceptron import NONLINEARITIES, Perceptron, learned, transposed


@pytest.mark.parametrize("phi", NONLINEARITIES)
def test_errors_over_transposed_weights_are_the_gradient(phi):
    with jax.enable_x64(True):
        network = Perceptron((6, 5, 4, 3), phi)
        layers = plain.biased(network.born(jax.random.key(0)))
        x = plain.stimulus()
        heard, drives, readout = network.sweep(layers, x)
        np.testing.assert_allclose(readout, plain.readout(layers, x, phi), atol=1e-12)
        error = jax.nn.one_hot(plain.TARGET, 3, dtype=readout.dtype) - jax.nn.softmax(readout)
        errors = network.backward(drives, error, transposed(layers))
        step = jax.tree.map(jnp.subtract, learned(layers, heard, errors, 1.0), layers)
        plain.assert_equal(step, plain.gradient(layers, x, plain.TARGET, phi), sign=-1.0)


@pytest.mark.parametrize("phi", ["tanh", "relu"])
def test_is_born_as_backprop_is(phi):
    layers = Perceptron((6, 5, 3), phi).born(jax.random.key(1))
    reference = Backprop((6, 5, 3), nonlinearity=phi).born(jax.random.key(1))
    for ours, theirs in zip(layers.weights, reference.weights, strict=True):
        assert np.abs(theirs).max() > 0.1
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_noise_is_added_to_drives():
    network = Perceptron((6, 5, 3))
    layers, x = network.born(jax.random.key(0)), plain.stimulus()
    calm = network.sweep(layers, x)
    loud = network.sweep(layers, x, [jnp.full(5, 0.25), jnp.full(3, 0.5)])
    np.testing.assert_allclose(loud.drives[0], calm.drives[0] + 0.25, rtol=1e-6)
    expected = layers.weights[1] @ jnp.tanh(calm.drives[0] + 0.25) + 0.5
    np.testing.assert_allclose(loud.readout, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": (3,)}, "sizes"),
        ({"sizes": (3, 0, 2)}, "sizes"),
        ({"sizes": (3, 2), "nonlinearity": "sine"}, "nonlinearity = 'sine'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Perceptron(**arguments)
