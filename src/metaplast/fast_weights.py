"""A scan over moments whose weights are rebuilt on the way back instead of being stored.

Weights that plasticity changes are read by products with vectors and changed by outer products of
vectors. So a whole life is known from vectors alone: what each product delivered and what each
change was made of. Backward, the weights of moment t are those of moment t + 1 less the change,
and every derivative of a weight is a matrix-vector product:

| | forward | backward |
|---|---|---|
| drive | y = W x | x̄ += Wᵀ ȳ, W̄ += ȳ xᵀ |
| change | W' = keep W + Σ a bᵀ | ā = W̄' b, b̄ = W̄'ᵀ a, W̄ += keep W̄' |

Memory grows with moments x cells, not with moments x synapses. Matrices of one shape may lie in
one array, `[..., post, pre]`, and be passed through one after the other (`Deliver.along`). This
file knows nothing of brains.

References: Schmidhuber (1992) doi:10.1162/neco.1992.4.1.131 (fast weights); Maclaurin, Duvenaud &
Adams (2015) arXiv:1502.03492 (learning reversed to differentiate it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from metaplast.segments import in_segments

Rows = Float[Array, "*_layers _post"]
Weights = dict[str, Float[Array, "*_layers _post _pre"]]

TRUSTED = 1e-2
"""Largest relative error of rebuilt weights with which a gradient is still handed out."""


@runtime_checkable
class Deliver(Protocol):
    """What the weights `name` make of a vector."""

    def __call__(
        self, name: str, signal: Float[Array, " senders"], transposed: bool = False
    ) -> Float[Array, " receivers"]: ...

    def along(
        self, names: Sequence[str], layer: Layer, carry: Any, xs: Any, reverse: bool = False
    ) -> tuple[Any, Any]:
        """`lax.scan` of `layer` over the leading axis of `xs` and of the weights `names`, of which
        each layer can deliver through its own."""
        ...


Layer = Callable[[Deliver, Any, Any], tuple[Any, Any]]
"""`layer(deliver, carry, x) -> (carry, out)`."""


class Change(NamedTuple):
    """How a moment changes a matrix of weights: `keep` times itself, plus outer products."""

    keep: Float[Array, "*layers post"]
    """Share of each post-synaptic cell's weights that stays; positive."""
    post: Float[Array, "*layers channels post"]
    pre: Float[Array, "*layers channels pre"]


Step = Callable[[Any, Any, Any, Any, Deliver], tuple[Any, Any, dict[str, Change]]]
"""`step(theta, constants, state, seen, deliver) -> (state, out, changes)`: one moment, that has no
weights but what it can `deliver` through them."""


class Delivering:
    """Deliver through the given weights."""

    def __init__(self, weights: Weights):
        self.weights = weights

    def __call__(self, name, signal, transposed=False):
        weight = self.weights[name]
        return signal @ weight if transposed else weight @ signal

    def along(self, names, layer, carry, xs, reverse=False):
        def one(carry, given):
            mine, x = given
            return layer(Delivering(mine), carry, x)

        mine = {name: self.weights[name] for name in names}
        return jax.lax.scan(one, carry, (mine, xs), reverse=reverse)


class Alongside:
    """Deliver through weights that are known, and leave the others to `rest`."""

    def __init__(self, known: Weights, rest: Deliver):
        self.known, self.rest = known, rest

    def __call__(self, name, signal, transposed=False):
        through = Delivering(self.known) if name in self.known else self.rest
        return through(name, signal, transposed)

    def along(self, names, layer, carry, xs, reverse=False):
        def one(deliver, carry, given):
            mine, x = given
            return layer(Alongside(mine, deliver), carry, x)

        mine = {name: self.known[name] for name in names if name in self.known}
        others = [name for name in names if name not in self.known]
        return self.rest.along(others, one, carry, (mine, xs), reverse)


def changed(weight: Float[Array, "*l post pre"], change: Change) -> Float[Array, "*l post pre"]:
    """The weights after a change."""
    # Written out channel by channel: one pass over the weights, no array of channels x synapses.
    total = change.keep[..., None] * weight
    for post, pre in _channels(change):
        total = total + post[..., None] * pre[..., None, :]
    return total


def _channels(change: Change) -> Iterator[tuple[Array, Array]]:
    """The vectors of every outer product of a change."""
    for channel in range(change.post.shape[-2]):
        yield change.post[..., channel, :], change.pre[..., channel, :]


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
        deliver = Recording(weights)
        state, out, changes = step(theta, constants, state, seen, deliver)
        after = {name: changed(weights[name], change) for name, change in changes.items()}
        return state, {**weights, **after}, out, tuple(deliver.products), changes

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
            {name: jnp.sum(weights[name] * weights_bar[name], -1) for name in weights},
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

    def replay(theta, floats, taps):
        deliver = _Replaying(before, products, taps)
        state, out, told = step(theta, constants, eqx.combine(floats, rest), seen, deliver)
        asked.extend(deliver.asked)
        return (_floats(state), _floats(out), told), tuple(deliver.signals)

    asked: list[tuple[str, bool]] = []
    taps = jax.tree.map(jnp.zeros_like, products)
    _, pull, signals = jax.vjp(replay, theta, floats, taps, has_aux=True)
    told_bar, pulled = {}, {}
    for name, change in changes.items():
        bar = after_bar[name]
        post_bar = _products(change.pre, jnp.swapaxes(bar, -1, -2))
        pre_bar = _products(change.post, bar)
        pulled[name] = jnp.sum(change.post * post_bar, -2)
        # The sum of weight times derivative along a row changes only by what enters and leaves:
        # so the derivative of `keep` costs no pass over the weights.
        keep_bar = (share[name] - pulled[name]) / change.keep
        told_bar[name] = Change(keep_bar, post_bar, pre_bar)
    more, state_bar, taps_bar = pull((state_bar, out_bar, told_bar))
    before_bar, share = dict(after_bar), dict(share)
    for name, change in changes.items():
        before_bar[name] = change.keep[..., None] * after_bar[name]
        share[name] = share[name] - pulled[name]
    delivered = (jax.tree.leaves(tree) for tree in (signals, products, taps_bar))
    for (name, transposed), signal, product, bar in zip(asked, *delivered, strict=True):
        if transposed:
            before_bar[name] = before_bar[name] + signal[..., None] * bar[..., None, :]
            share[name] = share[name] + signal * jnp.einsum("...ij,...j->...i", before[name], bar)
        else:
            before_bar[name] = before_bar[name] + bar[..., None] * signal[..., None, :]
            share[name] = share[name] + bar * product
    theta_bar = jax.tree.map(jnp.add, theta_bar, more)
    return (before, before_bar, share, state_bar, theta_bar), None


class Recording(Delivering):
    """Deliver through the given weights, and keep what was delivered."""

    def __init__(self, weights: Weights):
        super().__init__(weights)
        self.products: list[Any] = []

    def __call__(self, name, signal, transposed=False):
        self.products.append(super().__call__(name, signal, transposed))
        return self.products[-1]

    def along(self, names, layer, carry, xs, reverse=False):
        def one(carry, given):
            mine, x = given
            deliver = Recording(mine)
            carry, out = layer(deliver, carry, x)
            return carry, (out, tuple(deliver.products))

        mine = {name: self.weights[name] for name in names}
        carry, (out, products) = jax.lax.scan(one, carry, (mine, xs), reverse=reverse)
        self.products.append(products)
        return carry, out


class _Replaying:
    """Deliver what is known to have been delivered, so that no product is computed again; and keep
    what it was made of."""

    def __init__(self, weights: Weights, products: Sequence[Any], taps: Sequence[Any]):
        self.weights, self.products, self.taps = weights, products, taps
        self.asked: list[tuple[str, bool]] = []
        self.signals: list[Any] = []

    def __call__(self, name, signal, transposed=False):
        index = len(self.signals)
        self.asked.append((name, transposed))
        self.signals.append(signal)
        return _known(
            self.weights[name], self.products[index], self.taps[index], signal, transposed
        )

    def along(self, names, layer, carry, xs, reverse=False):
        index = len(self.signals)
        asked: list[tuple[str, bool]] = []

        def one(carry, given):
            deliver = _Replaying(*given[:3])
            carry, out = layer(deliver, carry, given[3])
            asked[:] = deliver.asked
            return carry, (out, tuple(deliver.signals))

        mine = {name: self.weights[name] for name in names}
        given = (mine, self.products[index], self.taps[index], xs)
        carry, (out, signals) = jax.lax.scan(one, carry, given, reverse=reverse)
        self.asked.extend(asked)
        self.signals.append(signals)
        return carry, out


def _products(few: Float[Array, "*l k n"], matrix: Float[Array, "*l n m"]):
    """`few @ matrix`, row by row: a few vectors at once are slow on a CPU."""
    if not few.shape[-2]:
        return few @ matrix
    rows = (few[..., row, :] for row in range(few.shape[-2]))
    return jnp.stack([jnp.einsum("...n,...nm->...m", row, matrix) for row in rows], -2)


def _undone(weight, change: Change):
    """The weights before a change."""
    total = weight
    for post, pre in _channels(change):
        total = total - post[..., None] * pre[..., None, :]
    return total * (1.0 / change.keep)[..., None]


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


def _fingerprints(weights: Weights) -> dict[str, Rows]:
    """One number for each row of weights, that tells rebuilt weights from the true ones."""
    return {
        name: weight @ np.cos(np.arange(weight.shape[-1])).astype(weight.dtype)
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
