"""What a rule that is rewarded should follow."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

RATE, RIGHT, WRONG = 0.1, 1.5, -0.5


def follows(net, task) -> None:
    """Assert that one layer of weights changes by `RATE`, the reward and the gradient of the log of
    the probability of its answer; rewards are `RIGHT` and `WRONG`."""
    key = jax.random.key(0)
    born = net.born(key)
    (name, weights), stimulus = next(iter(born.weights.items())), jax.random.normal(key, (6,))
    answer = int(jnp.argmax(weights @ stimulus))
    gradient = jax.grad(lambda w: jax.nn.log_softmax(w @ stimulus)[answer])(weights)
    assert np.abs(gradient).max() > 0.01
    for target in range(3):
        after, _ = net.moment(born, stimulus, jnp.asarray(target), task)
        change = RATE * (RIGHT if target == answer else WRONG) * gradient
        np.testing.assert_allclose(after.weights[name] - weights, change, rtol=1e-4, atol=1e-7)
