r"""Weights are changed and deliver in one pass: each is read once and written once.

$W' = \kappa \odot W + \sum_k a_k b_k^\top$, and of the same pass $W' r$ for vectors from the
pre-synaptic side and $l W'$ for vectors from the post-synaptic side. XLA makes a pass of its own
of every product, and where weights are in no cache, passes are what a moment takes its time for.

`plain` is the reference, and what runs everywhere but on an NVIDIA GPU, where it is the kernel of
`pallas_pass`. This file knows nothing of brains, and not whether anybody wants a kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Passed(NamedTuple):
    """What a pass leaves and delivers."""

    weight: Float[Array, "*layers post pre"]
    """After the change."""
    forth: Float[Array, "*layers right post"]
    """What the changed weights make of each vector from the pre-synaptic side."""
    back: Float[Array, "*layers left pre"]
    """And of each from the post-synaptic side."""


def change_and_deliver(
    weight: Float[Array, "*layers post pre"],
    keep: Float[Array, "*layers post"],
    post: Float[Array, "*layers channels post"],
    pre: Float[Array, "*layers channels pre"],
    right: Float[Array, "*layers right pre"],
    left: Float[Array, "*layers left post"],
    passing: Callable[..., Any] | None = None,
) -> Passed:
    """Change weights, and deliver vectors through what they have become.

    Any number of channels and vectors may be zero. Its derivative is computed by the same pass, and
    divides by `keep`.

    Args:
        weight: before the change.
        keep: share of each post-synaptic cell's weights that stays; positive.
        post: what the post-synaptic cells have to say, channel by channel.
        pre: what the pre-synaptic cells have to say.
        right: vectors from the pre-synaptic side.
        left: vectors from the post-synaptic side.
        passing: what computes the pass of one matrix; by default the kernel where the program runs
            on an NVIDIA GPU, and `plain` elsewhere.
    """
    one = partial(_pass, passing or by_platform)
    for _ in range(weight.ndim - 2):
        one = jax.vmap(one)
    return Passed(*one(weight, keep, post, pre, right, left))


def plain(weight, keep, post, pre, right, left):
    """The pass as XLA makes it."""
    weight = keep[:, None] * weight
    for a, b in zip(post, pre, strict=True):
        weight = weight + a[:, None] * b
    return weight, right @ weight.T, left @ weight


def by_platform(*given):
    """The kernel on an NVIDIA GPU, `plain` elsewhere."""
    # Imported here, so that nobody who does without it has to wait for it.
    from metaplast import pallas_pass

    return jax.lax.platform_dependent(*given, cuda=pallas_pass.passed, default=plain)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _pass(passing, weight, keep, post, pre, right, left):
    return passing(weight, keep, post, pre, right, left)


def _forward(passing, weight, keep, post, pre, right, left):
    passed = passing(weight, keep, post, pre, right, left)
    return passed, (passed[0], keep, post, pre, right, left)


def _backward(passing, kept, bars):
    after, keep, post, pre, right, left = kept
    bar, forth, back = bars
    # The derivative of the changed weights is itself changed by outer products, and delivers.
    through = jnp.concatenate([forth, left]), jnp.concatenate([right, back])
    bar, post_bar, pre_bar = passing(bar, jnp.ones_like(keep), *through, pre, post)
    # The weights before the change are not kept: of them it takes only a sum over each row.
    entered = jnp.sum(post * post_bar, 0)
    keep_bar = (jnp.sum(after * bar, 1) - entered) / keep
    return keep[:, None] * bar, keep_bar, post_bar, pre_bar, forth @ after, back @ after.T


_pass.defvjp(_forward, _backward)
