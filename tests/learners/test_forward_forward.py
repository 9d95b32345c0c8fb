"""Every layer takes the step of a loss of its own, which knows nothing of other layers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learners import plain
from metaplast.learners.forward_forward import ForwardForward, even

LEARNER = ForwardForward(6, (5, 4), 2, 0.5)


def local_losses(layers, x, is_true, label):
    """The loss of each layer, written anew; what it hears is a constant to it."""
    heard = jnp.concatenate([x / jnp.sqrt(jnp.mean(x**2) + 1e-6), LEARNER.loudness * label])
    losses = []
    for w, b in zip(*layers, strict=True):
        heard = jax.lax.stop_gradient(heard / jnp.sqrt(jnp.mean(heard**2) + 1e-6))
        said = jnp.maximum(jnp.sum(w * heard, axis=1) + b, 0)
        excess = jnp.sum(said**2) - said.shape[0]
        losses.append(jnp.log1p(jnp.exp(-excess if is_true else excess)))
        heard = said
    return sum(losses)


@pytest.mark.parametrize("target", [0, 1])
def test_steps_are_the_negative_gradients_of_the_local_losses(target):
    with jax.enable_x64(True):
        learner = ForwardForward(6, (5, 4), 2, 0.5)
        layers, x = plain.biased(learner.born(jax.random.key(0))), plain.stimulus()
        true, false = (jax.nn.one_hot(c, 2, dtype=float) for c in (target, 1 - target))

        @jax.jit
        @jax.grad
        def reference(layers):
            return local_losses(layers, x, True, true) + local_losses(layers, x, False, false)

        task = plain.Easy(classes=2)
        _, step = plain.moved(learner, layers, target, task, x=x)
        expected = jax.tree.map(lambda g: -0.5 * g, reference(layers))
        plain.assert_equal(step, expected)
        _, other = plain.moved(learner, layers, 1 - target, task, x=x)
        assert plain.distance(step, other) > 1e-2


def test_loudness_of_the_layer_below_says_nothing():
    said = jnp.asarray([0.0, 1.0, 3.0])
    np.testing.assert_allclose(even(said), even(100 * said), rtol=1e-4)
    assert float(jnp.mean(even(said) ** 2)) == pytest.approx(1.0, rel=1e-4)


def test_false_labels_are_false_and_all_of_them_occur():
    learner = ForwardForward(6, (5,), 3, 0.5)
    layers, x = learner.born(jax.random.key(0)), plain.stimulus()

    @jax.jit
    @jax.vmap
    def changed(key):
        after, _ = learner.moment(layers, x, jnp.asarray(1), plain.TASK, key)
        return after.weights[0][:, 6:] - layers.weights[0][:, 6:]

    steps = np.asarray(changed(jax.random.split(jax.random.key(0), 40)))
    moved = np.abs(steps).max(1) > 1e-6
    assert {tuple(row) for row in moved.tolist()} == {(True, True, False), (False, True, True)}


def test_learning_raises_the_readout_of_the_true_label():
    learner = ForwardForward(6, (5, 4), 2, 0.05)
    task, x = plain.Easy(classes=2), plain.stimulus()
    state = learner.born(jax.random.key(0))
    first = learner.predict(state, x)
    for key in range(10):
        state, _ = plain.moved(learner, state, 0, task, key, x)
    last = learner.predict(state, x)
    assert float(last[0] - last[1]) > float(first[0] - first[1]) + 0.1


def test_hidden_layers_are_needed():
    with pytest.raises(ValueError, match="hidden"):
        ForwardForward(6, (), 2)
    with pytest.raises(ValueError, match="classes = 1"):
        ForwardForward(6, (3,), 1)
