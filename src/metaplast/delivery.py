"""Weights, what they deliver, and how a moment changes them.

A moment has no weights: it asks somebody to deliver a vector through them, and says by which outer
products they change. Who delivers decides where the weights are and what else is kept of it.
Matrices of one shape may lie in one array, `[..., post, pre]`, and be passed through one after the
other (`Deliver.along`). This file knows nothing of brains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Rows = Float[Array, "*_layers _post"]
Vectors = dict[str, Float[Array, "*_layers _vectors _cells"]]
Weights = dict[str, Float[Array, "*_layers _post _pre"]]


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
    """Share of each post-synaptic cell's weights that stays. Lives go on with any; a derivative
    that takes the change back divides by it."""
    post: Float[Array, "*layers channels post"]
    pre: Float[Array, "*layers channels pre"]
    stay: Float[Array, "*layers post"] | None = None
    """Where products enter a trace of every weight, by which the weights change: the share of each
    post-synaptic cell's traces that stays, $E' = s E + a b^T$ and $W' = k W + E'$. A derivative
    divides by it; where nothing stays it is said to be 0, as it is of a sigmoid's argument."""


def trace_of(name: str) -> str:
    """Under which name the traces of the weights `name` lie beside them."""
    return f"{name}, traced"


def changed(weight: Float[Array, "*l post pre"], change: Change) -> Float[Array, "*l post pre"]:
    """The weights after a change."""
    # Written out channel by channel: one pass over the weights, no array of channels x synapses.
    total = change.keep[..., None] * weight
    for post, pre in channels(change):
        total = total + post[..., None] * pre[..., None, :]
    return total


def traced(trace: Float[Array, "*l post pre"], change: Change) -> Float[Array, "*l post pre"]:
    """The traces after a change that has such."""
    assert change.stay is not None, "products that enter no trace"
    return changed(trace, Change(change.stay, change.post, change.pre))


def channels(change: Change) -> Iterator[tuple[Array, Array]]:
    """The vectors of every outer product of a change."""
    for channel in range(change.post.shape[-2]):
        yield change.post[..., channel, :], change.pre[..., channel, :]


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


class Recording(Delivering):
    """Deliver through the given weights, and keep what was delivered."""

    def __init__(self, weights: Weights):
        super().__init__(weights)
        self.products: list[Any] = []
        self.asked: list[str] = []

    def __call__(self, name, signal, transposed=False):
        self.asked.append(name)
        self.products.append(super().__call__(name, signal, transposed))
        return self.products[-1]

    def along(self, names, layer, carry, xs, reverse=False):
        asked: list[str] = []

        def one(carry, given):
            mine, x = given
            deliver = Recording(mine)
            carry, out = layer(deliver, carry, x)
            asked[:] = deliver.asked
            return carry, (out, tuple(deliver.products))

        mine = {name: self.weights[name] for name in names}
        carry, (out, products) = jax.lax.scan(one, carry, (mine, xs), reverse=reverse)
        self.asked.extend(asked)
        self.products.append(products)
        return carry, out

    def settled(self) -> Weights:
        """The weights as they are when a moment has delivered all it has to."""
        return self.weights


class AtOnce:
    """Weights whose changes are made as soon as they are known. `deferred.Deferred` waits."""

    def begin(self, weights: Weights, ranks: Callable[[], dict[str, int]]) -> Any:
        """What is held of weights, to which changes of so many outer products will be made."""
        return weights

    def deliver(self, held: Any) -> Recording:
        """Deliver through what is held."""
        return Recording(held)

    def through(self, held: Any, right: Vectors, left: Vectors) -> tuple[Weights, Vectors, Vectors]:
        """The weights, and what they make of vectors from either side, row by row."""
        forth = {n: products(rows, jnp.swapaxes(held[n], -1, -2)) for n, rows in right.items()}
        return held, forth, {name: products(rows, held[name]) for name, rows in left.items()}

    def change(self, weights: Weights, changes: dict[str, Change]) -> Any:
        """What is held of weights that change."""
        after = dict(weights)
        for name, change in changes.items():
            if change.stay is None:
                after[name] = changed(weights[name], change)
            else:
                after[trace_of(name)] = trace = traced(weights[trace_of(name)], change)
                after[name] = change.keep[..., None] * weights[name] + trace
        return after

    def end(self, held: Any) -> Weights:
        """The weights, with all changes."""
        return held


def products(few: Float[Array, "*l k n"], matrix: Float[Array, "*l n m"]):
    """`few @ matrix`, row by row: a few vectors at once are slow on a CPU."""
    if not few.shape[-2]:
        return few @ matrix
    rows = (few[..., row, :] for row in range(few.shape[-2]))
    return jnp.stack([jnp.einsum("...n,...nm->...m", row, matrix) for row in rows], -2)
