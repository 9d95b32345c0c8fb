"""A scan over moments whose weights are rebuilt on the way back instead of being stored.

Weights that plasticity changes are read by products with vectors and changed by outer products of
vectors. So a whole life is known from vectors alone: what each product delivered and what each
change was made of. Backward, the weights of moment t are those of moment t + 1 less the change,
and every derivative of a weight is a matrix-vector product:

| | forward | backward |
|---|---|---|
| drive | y = W x | x̄ += Wᵀ ȳ, W̄ += ȳ xᵀ |
| change | W' = keep W + Σ a bᵀ | ā = W̄' b, b̄ = W̄'ᵀ a, W̄ += keep W̄' |
| by a trace | E' = stay E + Σ a bᵀ, W' = keep W + E' | Ē' += W̄', ā = Ē' b, b̄ = Ē'ᵀ a, Ē = stay Ē' |

Memory grows with moments x cells, not with moments x synapses. Traces may keep so little of
themselves that they cannot be rebuilt backward; those of a segment are computed forward once more.
This file knows nothing of brains.

References: Schmidhuber (1992) doi:10.1162/neco.1992.4.1.131 (fast weights); Maclaurin, Duvenaud &
Adams (2015) arXiv:1502.03492 (learning reversed to differentiate it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool

from metaplast.delivery import (
    AtOnce,
    Change,
    Deliver,
    Recording,
    Rows,
    Weights,
    channels,
    trace_of,
    traced,
)
from metaplast.reverse import backward_only
from metaplast.segments import in_segments

TRUSTED = 1e-2
"""Largest relative error of rebuilt weights with which a gradient is still handed out."""

Step = Callable[[Any, Any, Any, Any, Deliver], tuple[Any, Any, dict[str, Change]]]
"""`step(theta, constants, state, seen, deliver) -> (state, out, changes)`: one moment, that has no
weights but what it can `deliver` through them."""


def scan(
    step: Step,
    theta,
    constants,
    state,
    weights: Weights,
    experience,
    segment: int | None,
    holding: AtOnce = AtOnce(),  # noqa: B008  # it has no state
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
            have grown beyond `TRUSTED` is NaN. None for JAX's derivative, which stores everything.
        holding: when changes are made.

    Returns:
        `((state, weights), out)`, `out` with leaves `[moments, ...]`.
    """
    # As one vector, so that a moment adds one derivative and not one for every leaf.
    vector, unravel = ravel_pytree(theta)

    def with_vector(vector, *rest):
        return step(unravel(vector), *rest)

    plain, stretch = _stretches(with_vector, holding)
    if segment is None:
        return plain(vector, constants, state, weights, experience)

    def through(carry, part):
        return stretch(vector, constants, *carry, part)

    return in_segments(through, (state, weights), experience, segment)


def _stretches(step: Step, holding: AtOnce):
    """A stretch of moments as a function, without and with a derivative of its own."""

    def moment(theta, constants, before, seen):
        state, held = before
        deliver = holding.deliver(held)
        state, out, changes = step(theta, constants, state, seen, deliver)
        held = holding.change(deliver.settled(), changes)
        return state, held, out, tuple(deliver.products), changes

    def begun(theta, constants, state, weights, experience):
        ranks = partial(_ranks, step, theta, constants, state, weights, experience)
        return state, holding.begin(weights, lambda: ranks()[0])

    def plain(theta, constants, state, weights, experience):
        def body(carry, seen):
            state, held, out, _, _ = moment(theta, constants, carry, seen)
            return (state, held), out

        begin = begun(theta, constants, state, weights, experience)
        (state, held), out = jax.lax.scan(body, begin, experience)
        return (state, holding.end(held)), out

    stretch = jax.custom_vjp(plain)

    def forward(theta, constants, state, weights, experience):
        def body(carry, seen):
            state, held, out, products, changes = moment(theta, constants, carry, seen)
            kept = {name: _unstacked(change) for name, change in changes.items()}
            return (state, held), (out, (carry[0], products, kept))

        prints, traces = _fingerprints(weights), _traces(weights)
        begin = begun(theta, constants, state, weights, experience)
        (state, held), (out, kept) = jax.lax.scan(body, begin, experience)
        weights = holding.end(held)
        left = (theta, constants, experience, kept, traces, weights, prints)
        return ((state, weights), out), left

    def backward(kept, cotangents):
        theta, constants, experience, moments, traces, weights, prints = kept
        (state_bar, weights_bar), out_bar = cotangents
        last, matrices = _fingerprints(weights), {name: weights[name] for name in prints}
        # Of a trace, the derivative is carried together with that of the weights that it enters.
        worth = {trace_of(name): weights_bar[trace_of(name)] + weights_bar[name] for name in traces}
        first = jax.tree.map(lambda leaf: leaf[0], moments[0])
        ranks = partial(_ranks, step, theta, constants, first, weights, experience)
        begin = (
            matrices,
            holding.begin({**weights_bar, **worth}, lambda: ranks()[1]),
            {name: jnp.sum(weights[name] * weights_bar[name], -1) for name in weights},
            _floats(state_bar),
            jax.tree.map(jnp.zeros_like, theta),
        )

        def body(carry, at):
            seen, (state, products, kept), entered, out_bar = at
            changes = {name: _stacked(change) for name, change in kept.items()}
            moment = state, seen, products, changes, entered, out_bar
            return _back(step, holding, theta, constants, *moment, carry)

        entered = _after_every_moment(traces, moments[2])
        (matrices, held_bar, _, state_bar, theta_bar), _ = jax.lax.scan(
            body, begin, (experience, moments, entered, _floats(out_bar)), reverse=True
        )
        sound = _sound(prints, _fingerprints(matrices), last)
        theta_bar = jax.tree.map(lambda leaf: jnp.where(sound, leaf, jnp.nan), theta_bar)
        bars = holding.end(held_bar)
        alone = {trace_of(name): bars[trace_of(name)] - bars[name] for name in traces}
        return theta_bar, None, _like(state_bar, first), {**bars, **alone}, None

    stretch.defvjp(forward, backward)
    return plain, stretch


def _traces(weights: Weights) -> Weights:
    """The traces that lie beside weights, under the names of these."""
    return {name: weights[trace_of(name)] for name in weights if trace_of(name) in weights}


def _after_every_moment(traces: Weights, kept) -> Weights:
    """Traces after each moment of a stretch at whose begin they are `traces`."""

    def onward(traces, kept):
        traces = {name: traced(traces[name], _stacked(kept[name])) for name in traces}
        return traces, traces

    if not traces:
        return traces
    return jax.lax.scan(onward, traces, {name: kept[name] for name in traces})[1]


def _ranks(step: Step, theta, constants, state, weights: Weights, experience):
    """How many outer products change each matrix in a moment, and how many its derivative."""

    def moment(theta, constants, state, weights, experience):
        deliver = Recording(weights)
        seen = jax.tree.map(lambda leaf: leaf[0], experience)
        changes = step(theta, constants, state, seen, deliver)[2]
        asked.extend(deliver.asked)
        return changes

    asked: list[str] = []
    changes = jax.eval_shape(moment, theta, constants, state, weights, experience)
    forward = {name: change.post.shape[-2] for name, change in changes.items()}
    return forward, {name: asked.count(name) for name in {*forward, *asked}}


def _back(step, holding, theta, constants, state, seen, products, changes, traces, out_bar, carry):
    """One moment backward: from the derivatives after it to those before it; `traces` are those
    that enter weights in it."""
    after, held_bar, share, state_bar, theta_bar = carry
    before = {**after, **{n: _undone(after[n], c, traces.get(n)) for n, c in changes.items()}}
    floats, rest = eqx.partition(state, eqx.is_inexact_array)

    def replay(theta, floats, taps):
        deliver = _Replaying(before, products, taps)
        with backward_only():
            state, out, told = step(theta, constants, eqx.combine(floats, rest), seen, deliver)
        asked.extend(deliver.asked)
        return (_floats(state), _floats(out), told), tuple(deliver.signals)

    asked: list[tuple[str, bool]] = []
    taps = jax.tree.map(jnp.zeros_like, products)
    _, pull, signals = jax.vjp(replay, theta, floats, taps, has_aux=True)
    into = {name: trace_of(name) if name in traces else name for name in changes}
    after_bar, post_bars, pre_bars = holding.through(
        held_bar,
        {into[n]: c.pre for n, c in changes.items()}, {into[n]: c.post for n, c in changes.items()},
    )  # fmt: skip
    # The sum of weight times derivative along a row changes only by what enters and leaves: so the
    # derivative of `keep` costs no pass over the weights. Of traces, that of `stay` likewise.
    told_bar, entering, share = {}, {name: ([], []) for name in changes}, dict(share)
    for name, change in changes.items():
        product, stay_bar = jnp.sum(change.post * post_bars[into[name]], -2), None
        if name in traces:
            entered = _along_rows(held_bar[name], traces[name])
            share[into[name]] = share[into[name]] + entered - product
            stay_bar = jnp.where(change.stay == 0.0, 0.0, share[into[name]] / change.stay)
            product = entered
        share[name] = share[name] - product
        ends = post_bars[into[name]], pre_bars[into[name]]
        told_bar[name] = Change(share[name] / change.keep, *ends, stay_bar)
    more, state_bar, taps_bar = pull((state_bar, out_bar, told_bar))
    delivered = (jax.tree.leaves(tree) for tree in (signals, products, taps_bar))
    for (name, transposed), signal, product, bar in zip(asked, *delivered, strict=True):
        posts, pres = entering.setdefault(name, ([], []))
        posts.append(signal if transposed else bar)
        pres.append(bar if transposed else signal)
        if transposed:
            share[name] = share[name] + signal * jnp.einsum("...ij,...j->...i", before[name], bar)
        else:
            share[name] = share[name] + bar * product
    held_bar = holding.change(after_bar, {
        name: _entering(after[name], changes.get(name), *products)
        for name, products in entering.items()
    })  # fmt: skip
    for name in traces:
        stayed = changes[name].stay[..., None] * held_bar[into[name]]
        held_bar = {**held_bar, into[name]: stayed + held_bar[name]}
    theta_bar = jax.tree.map(jnp.add, theta_bar, more)
    return (before, held_bar, share, state_bar, theta_bar), None


def _along_rows(one, other) -> Rows:
    """The scalar product of every row with that of the other matrix."""
    # XLA sums rows one number at a time on a CPU, unless they are a matrix times a vector.
    return jax.lax.optimization_barrier(one * other) @ jnp.ones(one.shape[-1], one.dtype)


def _entering(weight, change: Change | None, posts: list[Rows], pres: list[Array]) -> Change:
    """How the derivative of weights changes, going back over a moment that delivered so often."""
    *layers, post, pre = weight.shape
    keep = jnp.ones((*layers, post), weight.dtype) if change is None else change.keep
    if not posts:
        return Change(keep, *(jnp.zeros((*layers, 0, n), weight.dtype) for n in (post, pre)))
    return Change(keep, jnp.stack(posts, -2), jnp.stack(pres, -2))


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


def _unstacked(change: Change) -> Change | tuple[Rows, list[tuple[Array, Array]], Rows | None]:
    """A change with every vector in an array of its own. Of stacked ones, a loop that undoes
    changes while it cuts out their moment reads one number at a time on a CPU."""
    if not change.post.shape[-2]:
        return change
    return change.keep, list(channels(change)), change.stay


def _stacked(change) -> Change:
    """What `_unstacked` was given."""
    if isinstance(change, Change):
        return change
    keep, vectors, stay = change
    post, pre = (jnp.stack(ends, -2) for ends in zip(*vectors, strict=True))
    return Change(keep, post, pre, stay)


def _undone(weight, change: Change, trace=None):
    """The weights before a change, of its products or by what was then their trace."""
    total = weight if trace is None else weight - trace
    if trace is None:
        for post, pre in channels(change):
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
    beside = {trace_of(name) for name in _traces(weights)}
    return {
        name: weight @ np.cos(np.arange(weight.shape[-1])).astype(weight.dtype)
        for name, weight in weights.items()
        if name not in beside
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
