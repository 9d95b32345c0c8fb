"""Changes of weights that are made when the weights next deliver, in the same pass over them.

What a moment asks of its synapses is known only when all its cells have replied, and then their
weights have nothing more to deliver before the next moment. So the change is held, as the vectors
that it is made of, until the next moment's signal arrives at that projection: then every weight is
read once, changed, multiplied, and written once. The derivative of weights, going back over
moments, is changed and multiplied the other way round, in one pass too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from metaplast import one_pass
from metaplast.delivery import AtOnce, Change, Recording, Weights, changed

Held = tuple[Weights, dict[str, Change]]
"""Weights, and the changes that are still to be made to them."""


class Deferred(AtOnce):
    """Weights whose changes wait for the next delivery.

    Args:
        passing: what computes a pass; see `one_pass.change_and_deliver`.
    """

    def __init__(self, passing: Callable[..., Any] | None = None):
        self.passing = passing

    def begin(self, weights, ranks):
        return weights, {name: _none(weights[name], rank) for name, rank in ranks().items()}

    def deliver(self, held):
        weights, waiting = held
        return Delivering(weights, waiting, self.passing)

    def through(self, held, right, left):
        weights, changes = dict(held[0]), held[1]
        forth, back = {}, {}
        for name, change in changes.items():
            none = _none(weights[name], 0)
            sides = right.get(name, none.pre), left.get(name, none.post)
            weights[name], forth[name], back[name] = _passed(
                weights[name], change, sides, self.passing
            )
        return weights, forth, back

    def change(self, weights, changes):
        assert all(change.stay is None for change in changes.values()), "traces do not wait"
        return weights, changes

    def end(self, held):
        return super().change(*held)


class Delivering(Recording):
    """Deliver through weights, after the change that waits for them; record what was delivered."""

    def __init__(self, weights: Weights, waiting: dict[str, Change], passing):
        super().__init__(dict(weights))
        self.waiting, self.passing = dict(waiting), passing

    def __call__(self, name, signal, transposed=False):
        if name not in self.waiting:
            return super().__call__(name, signal, transposed)
        change, weight = self.waiting.pop(name), self.weights[name]
        none = _none(weight, 0)
        sides = (none.pre, signal[None]) if transposed else (signal[None], none.post)
        self.weights[name], forth, back = _passed(weight, change, sides, self.passing)
        self.asked.append(name)
        self.products.append((back if transposed else forth)[0])
        return self.products[-1]

    def along(self, names, layer, carry, xs, reverse=False):
        asked: list[str] = []

        def one(carry, given):
            mine, waiting, x = given
            deliver = Delivering(mine, waiting, self.passing)
            carry, out = layer(deliver, carry, x)
            asked[:] = deliver.asked
            return carry, (deliver.settled(), out, tuple(deliver.products))

        mine = {name: self.weights[name] for name in names}
        waiting = {name: self.waiting.pop(name) for name in names if name in self.waiting}
        carry, (weights, out, products) = jax.lax.scan(
            one, carry, (mine, waiting, xs), reverse=reverse
        )
        self.weights.update(weights)
        self.asked.extend(asked)
        self.products.append(products)
        return carry, out

    def settled(self):
        late = {name: changed(self.weights[name], c) for name, c in self.waiting.items()}
        return {**self.weights, **late}


def _passed(weight, change: Change, sides, passing) -> one_pass.Passed:
    """The weights after a change, and what they make of vectors from either side."""
    right, left = sides
    return one_pass.change_and_deliver(
        weight, change.keep, change.post, change.pre, right, left, passing
    )


def _none(weight, rank: int) -> Change:
    """No change, of so many outer products."""
    *layers, post, pre = weight.shape
    return Change(
        jnp.ones((*layers, post), weight.dtype),
        jnp.zeros((*layers, rank, post), weight.dtype),
        jnp.zeros((*layers, rank, pre), weight.dtype),
    )
