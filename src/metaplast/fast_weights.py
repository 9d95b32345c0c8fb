"""A scan over moments whose weights are rebuilt on the way back instead of being stored.

Weights that plasticity changes are read by products with vectors and changed by outer products of
vectors. So a whole life is known from vectors alone: what each product delivered and what each
change was made of. Backward, the weights of moment t are those of moment t + 1 less the change,
and every derivative of a weight is a matrix-vector product:

| | forward | backward |
|---|---|---|
| drive | y = W x | x̄ += Wᵀ ȳ, W̄ += ȳ xᵀ |
| change | W' = keep W + Σ a bᵀ | ā = W̄' b, b̄ = W̄'ᵀ a, W̄ += keep W̄' |

Memory grows with moments x cells, not with moments x synapses. This file knows nothing of brains.

References: Schmidhuber (1992) doi:10.1162/neco.1992.4.1.131 (fast weights); Maclaurin, Duvenaud &
Adams (2015) arXiv:1502.03492 (learning reversed to differentiate it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from metaplast.segments import in_segments

Vector = Float[Array, " cells"]
Weights = dict[str, Float[Array, "_post _pre"]]

TRUSTED = 1e-2
"""Largest relative error of rebuilt weights with which a gradient is still handed out."""


@runtime_checkable
class Deliver(Protocol):
    """What the weights `name` make of a vector."""

    def __call__(
        self, name: str, signal: Float[Array, " senders"], transposed: bool = False
    ) -> Float[Array, " receivers"]: ...


class Change(NamedTuple):
    """How a moment changes a matrix of weights: `keep` times itself, plus outer products."""

    keep: Float[Array, " post"]
    """Share of each post-synaptic cell's weights that stays; positive."""
    post: Float[Array, "channels post"]
    pre: Float[Array, "channels pre"]


Step = Callable[[Any, Any, Any, Any, Deliver], tuple[Any, Any, dict[str, Change]]]
"""`step(theta, constants, state, seen, deliver) -> (state, out, changes)`: one moment, that has no
weights but what it can `deliver` through them."""


def delivering(weights: Weights) -> Deliver:
    """Deliver through the given weights."""

    def deliver(name, signal, transposed=False):
        return signal @ weights[name] if transposed else weights[name] @ signal

    return deliver


def changed(weight: Float[Array, "post pre"], change: Change) -> Float[Array, "post pre"]:
    """The weights after a change."""
    # Written out channel by channel: one pass over the weights, no array of channels x synapses.
    total = change.keep[:, None] * weight
    for post, pre in zip(change.post, change.pre, strict=True):
        total = total + post[:, None] * pre[None, :]
    return total


def scan(
    step: Step, theta, constants, state, weights: Weights, experience, segment: int
) -> tuple[tuple[Any, Weights], Any]:
    """`lax.scan` of `step` and the changes it asks for, with a derivative of its own.

    Args:
        step: one moment; may close over static Python only.
        theta: what a derivative is wanted of, besides `state` and `weights`: float arrays.
        constants: other arrays that `step` uses; no derivative flows into them.
        state: what lasts from one moment to the next, beside the weights.
        weights: matrices that every moment changes.
        experience: leaves `[moments, ...]`; no derivative flows into them.
        segment: moments between two copies of the weights. Rebuilding divides by `keep`, which
            multiplies rounding errors; they start anew with every copy. A gradient for which they
            have grown beyond `TRUSTED` is NaN.

    Returns:
        `((state, weights), out)`, `out` with leaves `[moments, ...]`.
    """
    # As one vector, so that a moment adds one derivative and not one for every leaf.
    vector, unravel = ravel_pytree(theta)

    def with_vector(vector, *rest):
        return step(unravel(vector), *rest)

    stretch = _differentiable(with_vector)

    def through(carry, part):
        return stretch(vector, constants, *carry, part)

    return in_segments(through, (state, weights), experience, segment)


def _differentiable(step: Step):
    """A stretch of moments as one function with a derivative of its own."""

    def moment(theta, constants, before, seen):
        state, weights = before
        products = []

        def deliver(name, signal, transposed=False):
            products.append(delivering(weights)(name, signal, transposed))
            return products[-1]

        state, out, changes = step(theta, constants, state, seen, deliver)
        after = {name: changed(weights[name], change) for name, change in changes.items()}
        return state, {**weights, **after}, out, tuple(products), changes

    @jax.custom_vjp
    def stretch(theta, constants, state, weights, experience):
        def body(carry, seen):
            state, weights, out, _, _ = moment(theta, constants, carry, seen)
            return (state, weights), out

        return jax.lax.scan(body, (state, weights), experience)

    def forward(theta, constants, state, weights, experience):
        def body(carry, seen):
            state, weights, out, products, changes = moment(theta, constants, carry, seen)
            return (state, weights), (out, (carry[0], products, changes))

        prints = _fingerprints(weights)
        after, (out, kept) = jax.lax.scan(body, (state, weights), experience)
        return (after, out), (theta, constants, experience, kept, after[1], prints)

    def backward(kept, cotangents):
        theta, constants, experience, moments, weights, prints = kept
        (state_bar, weights_bar), out_bar = cotangents
        last = _fingerprints(weights)
        begin = (
            weights,
            weights_bar,
            {name: jnp.sum(weights[name] * weights_bar[name], 1) for name in weights},
            _floats(state_bar),
            jax.tree.map(jnp.zeros_like, theta),
        )

        def body(carry, at):
            seen, (state, products, changes), out_bar = at
            return _back(step, theta, constants, state, seen, products, changes, out_bar, carry)

        (weights, weights_bar, _, state_bar, theta_bar), _ = jax.lax.scan(
            body, begin, (experience, moments, _floats(out_bar)), reverse=True
        )
        sound = _sound(prints, _fingerprints(weights), last)
        theta_bar = jax.tree.map(lambda leaf: jnp.where(sound, leaf, jnp.nan), theta_bar)
        first = jax.tree.map(lambda leaf: leaf[0], moments[0])
        return theta_bar, None, _like(state_bar, first), weights_bar, None

    stretch.defvjp(forward, backward)
    return stretch


def _back(step, theta, constants, state, seen, products, changes, out_bar, carry):
    """One moment backward: from the derivatives after it to those before it."""
    after, after_bar, share, state_bar, theta_bar = carry
    before = {n: _undone(after[n], changes[n]) if n in changes else after[n] for n in after}
    floats, rest = eqx.partition(state, eqx.is_inexact_array)

    asked: list[tuple[str, bool]] = []

    def replay(theta, floats, taps):
        # What the weights delivered is known, so no product is computed again.
        signals = []

        def deliver(name, signal, transposed=False):
            index = len(asked)
            asked.append((name, transposed))
            signals.append(signal)
            return _known(before[name], products[index], taps[index], signal, transposed)

        state, out, told = step(theta, constants, eqx.combine(floats, rest), seen, deliver)
        return (_floats(state), _floats(out), told), signals

    taps = tuple(jnp.zeros_like(y) for y in products)
    _, pull, signals = jax.vjp(replay, theta, floats, taps, has_aux=True)
    told_bar, pulled = {}, {}
    for name, change in changes.items():
        bar = after_bar[name]
        post_bar, pre_bar = _products(change.pre, bar.T), _products(change.post, bar)
        pulled[name] = jnp.sum(change.post * post_bar, 0)
        # The sum of weight times derivative along a row changes only by what enters and leaves:
        # so the derivative of `keep` costs no pass over the weights.
        keep_bar = (share[name] - pulled[name]) / change.keep
        told_bar[name] = Change(keep_bar, post_bar, pre_bar)
    more, state_bar, taps_bar = pull((state_bar, out_bar, told_bar))
    before_bar, share = dict(after_bar), dict(share)
    for name, change in changes.items():
        before_bar[name] = change.keep[:, None] * after_bar[name]
        share[name] = share[name] - pulled[name]
    for (name, transposed), signal, product, bar in zip(
        asked, signals, products, taps_bar, strict=True
    ):
        if transposed:
            before_bar[name] = before_bar[name] + signal[:, None] * bar[None, :]
            share[name] = share[name] + signal * (before[name] @ bar)
        else:
            before_bar[name] = before_bar[name] + bar[:, None] * signal[None, :]
            share[name] = share[name] + bar * product
    theta_bar = jax.tree.map(jnp.add, theta_bar, more)
    return (before, before_bar, share, state_bar, theta_bar), None


def _products(few: Float[Array, "k n"], matrix: Float[Array, "n m"]) -> Float[Array, "k m"]:
    """`few @ matrix`, row by row: a few vectors at once are slow on a CPU."""
    rows = [row @ matrix for row in few]
    return jnp.stack(rows) if rows else few @ matrix


def _undone(weight, change: Change):
    """The weights before a change."""
    total = weight
    for post, pre in zip(change.post, change.pre, strict=True):
        total = total - post[:, None] * pre[None, :]
    return total * (1.0 / change.keep)[:, None]


def _known(weight, product, tap, signal, transposed: bool):
    """The product that is already known; backward, that of the transposed weights."""

    @jax.custom_vjp
    def known(weight, product, tap, signal):
        return product

    def forward(weight, product, tap, signal):
        return product, weight

    def backward(weight, bar):
        return None, None, bar, weight @ bar if transposed else bar @ weight

    known.defvjp(forward, backward)
    return known(weight, product, tap, signal)


def _fingerprints(weights: Weights) -> dict[str, Vector]:
    """One number for each row of weights, that tells rebuilt weights from the true ones."""
    return {
        name: weight @ np.cos(np.arange(weight.shape[1])).astype(weight.dtype)
        for name, weight in weights.items()
    }


def _sound(true, rebuilt, last) -> Bool[Array, ""]:
    """Whether rebuilt weights are what they were, within `TRUSTED` of their size."""

    def near(name):
        size = jnp.max(jnp.abs(true[name])) + jnp.max(jnp.abs(last[name]))
        return jnp.max(jnp.abs(rebuilt[name] - true[name])) <= TRUSTED * size

    return jnp.all(jnp.stack([near(name) for name in true])) if true else jnp.asarray(True)


def _floats(tree):
    """The float arrays of a tree; the rest has no derivative."""
    return eqx.filter(tree, eqx.is_inexact_array)


def _like(bar, primal):
    """Derivatives for every leaf of `primal`: zeros of the type float0 where it is no float."""
    others = eqx.filter(primal, eqx.is_inexact_array, inverse=True)
    return eqx.combine(
        bar, jax.tree.map(lambda leaf: np.zeros(leaf.shape, jax.dtypes.float0), others)
    )
