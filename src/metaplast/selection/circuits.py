"""Small plastic networks whose rules a selection is trained to search.

A selection that is trained by backprop is differentiated through generations of lives, which is a
large program. So these networks are written in as few operations as there can be, and are not
built from `metaplast.network`: one hidden layer, random feedback, clusters to tell apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from metaplast.types import Key

INPUTS, HIDDEN, CLASSES, MOMENTS = 8, 6, 3, 20
NOISE = 0.7
MOST = 20.0
"""Largest weight: a life that explodes has a loss all the same, and a derivative."""

Rule = Callable[..., Float[Array, "post pre"]]
"""`(numbers, activity [post], message [post], activity [pre], weights) -> changes`."""


class Family(NamedTuple):
    """Rules that differ by numbers, and the number of these in each of the two layers."""

    rule: Rule
    start: Float[np.ndarray, " numbers"]


def polynomial(numbers, post, message, pre, weights):
    """Products of powers of what the two ends know, and a leak."""
    ours = jnp.stack([jnp.ones_like(post), post, message, post * message, post**2, message**2])
    theirs = jnp.stack([jnp.ones_like(pre), pre, pre**2])
    return ours.T @ numbers[:-1].reshape(6, 3) @ theirs - 0.1 * numbers[-1] * weights


def factored(numbers, post, message, pre, weights):
    """The message times the pre-synaptic activity, both corrected by small networks."""
    del weights
    first, second = numbers[:12].reshape(4, 3), numbers[12:16]
    third, fourth = numbers[16:24].reshape(4, 2), numbers[24:28]
    ours = second @ jnp.tanh(first @ jnp.stack([post, message, jnp.ones_like(post)]))
    theirs = fourth @ jnp.tanh(third @ jnp.stack([pre, jnp.ones_like(pre)]))
    return jnp.outer(message + ours, pre + theirs)


def _starts() -> dict[str, Family]:
    """Feedback alignment in either family."""
    terms = np.zeros(19, np.float32)
    terms[2 * 3 + 1] = 1.0
    first = np.random.default_rng(0).normal(size=28).astype(np.float32)
    first[12:16] = first[24:28] = 0.0
    return {
        "polynomial": Family(polynomial, np.tile(terms, 2)),
        "factored": Family(factored, np.tile(first, 2)),
    }


FAMILIES = _starts()


def life(
    family: Family, numbers: Float[Array, " numbers"], rate: Float[Array, ""], key: Key
) -> Float[Array, ""]:
    """Mean loss (nats) of one life: every stimulus is answered before its class is taught.

    Args:
        family: of the rule.
        numbers: which of the family.
        rate: what its changes are multiplied by.
        key: of the life.
    """
    keys = jax.random.split(key, 6)
    centers = jax.random.normal(keys[0], (CLASSES, INPUTS))
    targets = jax.nn.one_hot(jax.random.randint(keys[1], (MOMENTS,), 0, CLASSES), CLASSES)
    stimuli = targets @ centers + NOISE * jax.random.normal(keys[2], (MOMENTS, INPUTS))
    hidden = jax.random.normal(keys[3], (HIDDEN, INPUTS)) / INPUTS**0.5
    output = 0.1 * jax.random.normal(keys[4], (CLASSES, HIDDEN))
    feedback = jax.random.normal(keys[5], (HIDDEN, CLASSES)) / CLASSES**0.5
    deep, shallow = jnp.split(numbers, 2)

    def moment(weights, seen):
        hidden, output = weights
        stimulus, target = seen
        cells = jnp.tanh(hidden @ stimulus)
        answer = jax.nn.log_softmax(output @ cells)
        error = target - jnp.exp(answer)
        told = (1 - cells**2) * (feedback @ error)
        changed = (
            hidden + rate * family.rule(deep, cells, told, stimulus, hidden),
            output + rate * family.rule(shallow, jnp.exp(answer), error, cells, output),
        )
        return jax.tree.map(lambda w: jnp.clip(w, -MOST, MOST), changed), -jnp.sum(target * answer)

    _, losses = jax.lax.scan(moment, (hidden, output), (stimuli, targets))
    return jnp.mean(losses)
