"""The chemistry of one synapse, mapped over the synapses of a projection."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from metaplast.circuits import Projection
from metaplast.delivery import Change
from metaplast.rules.abstract import AbstractRule, AbstractSeparable
from metaplast.types import Cell, Synapse


def over_cells(
    parts: tuple[AbstractSeparable, ...], pre: Cell, post: Cell, modulator: Float[Array, " m"]
) -> Change:
    """Map the two halves of separable rules over the cells at either end."""
    keep = jnp.ones_like(post.drive)
    # Rules may have no channel at all, so either begins with none.
    posts, pres = ([jnp.zeros((0, *end.drive.shape), end.drive.dtype)] for end in (post, pre))
    for rule in parts:
        keep = keep - jax.vmap(rule.leak)(post)
        a, b = jax.vmap(rule.post, (0, None))(post, modulator), jax.vmap(rule.pre)(pre)
        # One by one, so that the compiler sees which of a cell's signals nobody reads (`offered`).
        for channel in range(min(a.shape[1], b.shape[1])):
            posts.append(a[None, :, channel])
            pres.append(b[None, :, channel])
    return Change(keep, jnp.concatenate(posts), jnp.concatenate(pres))


def multiplied(
    q: Projection, parts: tuple[AbstractSeparable, ...], cells: dict[str, Cell], modulator
) -> Change:
    """What separable rules make of the cells at both ends of a projection, of one layer or of
    several that are alike."""
    change = over_cells
    if q.members:
        layer = 0 if q.chain or q.pre == q.post else None
        change = jax.vmap(over_cells, (None, layer, 0, None))
    return change(parts, presynaptic(q, cells), cells[q.post], modulator)


def over_synapses(rule: AbstractRule, each: bool = False):
    """Map a rule of one synapse over `[post, pre]`; the modulator is broadcast. Where `each`, the
    pre-synaptic cells are given for each synapse, `[post, fan_in]`."""

    def one(weight, memory, pre: Cell, post: Cell, modulator):
        return rule(Synapse(weight, pre, post, modulator), memory)

    over_pre = jax.vmap(one, (0, 0, 0, None, None))
    return jax.vmap(over_pre, (0, 0, 0 if each else None, 0, None))


def presynaptic(q: Projection, cells: dict[str, Cell]) -> Cell:
    """The cells at the beginning of a projection; of several layers, layer by layer."""
    if not q.chain:
        return cells[q.source]
    ends = (cells[q.post], jax.tree.map(lambda leaf: leaf[None], cells[q.pre]))
    if q.chain == "below":
        return jax.tree.map(lambda own, end: jnp.concatenate([end, own[:-1]]), *ends)
    return jax.tree.map(lambda own, end: jnp.concatenate([own[1:], end]), *ends)
